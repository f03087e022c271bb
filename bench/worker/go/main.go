// The Go SDK's worker doing the same, and the driver that starts workflows on the dev server.
//
//	go-worker ADDR NAMESPACE QUEUE                           works until SIGTERM
//	go-worker replay FILE TIMES
//	go-worker drive ADDR NAMESPACE QUEUE WORKFLOW N INFLIGHT starts N, waits for their ends
//	GZIP=0 in the environment: sends no compressed requests (all SDKs do by default)
//	go-worker record ADDR NAMESPACE QUEUE ACTIVITIES FILE    runs `sequential`, writes its history
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"
)

// Arg is the argument of every workflow and activity but `sequential`.
type Arg struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

func echo(ctx context.Context, a Arg) (Arg, error) { return a, nil }

func options(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
}

func noop(ctx workflow.Context, a Arg) (Arg, error) { return a, nil }

func sequence(ctx workflow.Context, a Arg, n int) (r Arg, err error) {
	ctx = options(ctx)
	for range n {
		if err = workflow.ExecuteActivity(ctx, "echo", a).Get(ctx, &r); err != nil {
			return
		}
	}
	return
}

func oneActivity(ctx workflow.Context, a Arg) (Arg, error)   { return sequence(ctx, a, 1) }
func tenActivities(ctx workflow.Context, a Arg) (Arg, error) { return sequence(ctx, a, 10) }
func sequential(ctx workflow.Context, n int) (Arg, error) {
	return sequence(ctx, Arg{"bench", 1}, n)
}

func timer10ms(ctx workflow.Context, a Arg) (Arg, error) {
	return a, workflow.Sleep(ctx, 10*time.Millisecond)
}

func receive(ctx workflow.Context, a Arg, n int) (Arg, error) {
	ch := workflow.GetSignalChannel(ctx, "s")
	var v Arg
	for range n {
		ch.Receive(ctx, &v)
	}
	return a, nil
}

func signals(ctx workflow.Context, a Arg) (Arg, error) { return receive(ctx, a, 100) }
func parked(ctx workflow.Context, a Arg) (Arg, error)  { return receive(ctx, a, 1) }

func fanout(ctx workflow.Context, a Arg) (Arg, error) {
	ctx = options(ctx)
	var fs []workflow.Future
	for range 50 {
		fs = append(fs, workflow.ExecuteActivity(ctx, "echo", a))
	}
	for _, f := range fs {
		var r Arg
		if err := f.Get(ctx, &r); err != nil {
			return a, err
		}
	}
	return a, nil
}

var workflows = map[string]any{"noop": noop, "one_activity": oneActivity, "ten_activities": tenActivities,
	"sequential": sequential, "timer10ms": timer10ms, "signals": signals, "parked": parked, "fanout": fanout}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cpu() float64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func quiet() log.Logger {
	return log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
}

func dial(addr, namespace string) client.Client {
	o := client.Options{HostPort: addr, Namespace: namespace, Logger: quiet()}
	if os.Getenv("GZIP") == "0" {
		o.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	c, err := client.Dial(o)
	check(err)
	return c
}

func work(addr, namespace, queue string) {
	worker.SetStickyWorkflowCacheSize(10000)
	w := worker.New(dial(addr, namespace), queue, worker.Options{
		MaxConcurrentWorkflowTaskPollers: 10, MaxConcurrentActivityTaskPollers: 10,
		MaxConcurrentWorkflowTaskExecutionSize: 100, MaxConcurrentActivityExecutionSize: 200})
	for name, f := range workflows {
		w.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
	w.RegisterActivityWithOptions(echo, activity.RegisterOptions{Name: "echo"})
	check(w.Start())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	w.Stop()
}

func replay(file, times string) {
	n, err := strconv.Atoi(times)
	check(err)
	data, err := os.ReadFile(file)
	check(err)
	var h historypb.History
	check(proto.Unmarshal(data, &h))
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{})
	check(err)
	for name, f := range workflows {
		r.RegisterWorkflowWithOptions(f, workflow.RegisterOptions{Name: name})
	}
	check(r.ReplayWorkflowHistory(quiet(), &h))
	t0, c0 := time.Now(), cpu()
	for range n {
		check(r.ReplayWorkflowHistory(quiet(), &h))
	}
	out(map[string]any{"events": len(h.Events), "times": n, "wall_s": time.Since(t0).Seconds(), "cpu_s": cpu() - c0})
}

func out(v any) {
	check(json.NewEncoder(os.Stdout).Encode(v))
}

func drive(addr, namespace, queue, name string, n, inflight int) {
	c := dial(addr, namespace)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	prefix := fmt.Sprintf("d-%d-%d-", os.Getpid(), time.Now().UnixNano())
	arg := Arg{"bench", 1}
	lat := make([]float64, n)
	runs := make([]client.WorkflowRun, n)
	var next atomic.Int64
	var all sync.WaitGroup
	t0 := time.Now()
	for range inflight {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				t := time.Now()
				run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: prefix + strconv.Itoa(i), TaskQueue: queue}, name, arg)
				check(err)
				if name == "signals" {
					for range 100 {
						check(c.SignalWorkflow(ctx, run.GetID(), "", "s", arg))
					}
				}
				var r Arg
				check(run.Get(ctx, &r))
				if r != arg {
					check(fmt.Errorf("%s: %v", name, r))
				}
				lat[i], runs[i] = time.Since(t).Seconds()*1e3, run
			}
		})
	}
	all.Wait()
	wall := time.Since(t0).Seconds()
	events, seen := 0, 0
	for i := 0; i < n; i += max(1, n/10) {
		d, err := c.DescribeWorkflowExecution(ctx, runs[i].GetID(), runs[i].GetRunID())
		check(err)
		events += int(d.WorkflowExecutionInfo.HistoryLength)
		seen++
	}
	slices.Sort(lat)
	out(map[string]any{"n": n, "wall_s": wall, "p50_ms": lat[n/2], "p99_ms": lat[n*99/100],
		"events": float64(events) / float64(seen)})
}

func record(addr, namespace, queue string, n int, file string) {
	c := dial(addr, namespace)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "record-" + queue, TaskQueue: queue}, "sequential", n)
	check(err)
	check(run.Get(ctx, nil))
	var h historypb.History
	it := c.GetWorkflowHistory(ctx, run.GetID(), run.GetRunID(), false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for it.HasNext() {
		e, err := it.Next()
		check(err)
		h.Events = append(h.Events, e)
	}
	b, err := proto.Marshal(&h)
	check(err)
	check(os.WriteFile(file, b, 0o644))
	out(map[string]any{"events": len(h.Events), "bytes": len(b)})
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	check(err)
	return n
}

func main() {
	a := os.Args[1:]
	switch {
	case len(a) == 3 && a[0] == "replay":
		replay(a[1], a[2])
	case len(a) == 7 && a[0] == "drive":
		drive(a[1], a[2], a[3], a[4], number(a[5]), number(a[6]))
	case len(a) == 6 && a[0] == "record":
		record(a[1], a[2], a[3], number(a[4]), a[5])
	case len(a) == 3:
		work(a[0], a[1], a[2])
	default:
		check(fmt.Errorf("usage: see main.go"))
	}
}
