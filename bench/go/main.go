// The Go SDK's client doing what bench.lua does, mode by mode.
//
//	bench load ADDRESS SECONDS IN_FLIGHT    starts, so many in flight: calls a second, CPU of each
//	bench cold ADDRESS                      connects, starts one workflow, ends
//	bench waits ADDRESS COUNT               memory of so many results awaited at once
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
)

const warmUp = 500

type argument struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

var (
	prefix = fmt.Sprintf("go-%d-", os.Getpid())
	serial atomic.Int64
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	must(err)
	return n
}

func report(m map[string]any) {
	b, err := json.Marshal(m)
	must(err)
	fmt.Println(string(b))
}

// cpu is user and system time of all threads, in microseconds.
func cpu() float64 {
	var u syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}

func residentKB() float64 {
	b, err := os.ReadFile("/proc/self/statm")
	must(err)
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	must(err)
	return float64(pages * os.Getpagesize() / 1024)
}

func start(c client.Client) {
	id := prefix + strconv.FormatInt(serial.Add(1), 10)
	options := client.StartWorkflowOptions{ID: id, TaskQueue: "bench"}
	_, err := c.ExecuteWorkflow(context.Background(), options, "Bench", argument{"bench", 1})
	must(err)
}

// run keeps inFlight calls going until more says no, and counts them.
func run(c client.Client, inFlight int, more func() bool) int64 {
	var count atomic.Int64
	var group sync.WaitGroup
	for i := 0; i < inFlight; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for more() {
				start(c)
				count.Add(1)
			}
		}()
	}
	group.Wait()
	return count.Load()
}

func load(c client.Client, seconds, inFlight int) {
	var left atomic.Int64
	left.Store(warmUp)
	run(c, inFlight, func() bool { return left.Add(-1) >= 0 })
	cpu0, t0 := cpu(), time.Now()
	limit := time.Duration(seconds) * time.Second
	n := run(c, inFlight, func() bool { return time.Since(t0) < limit })
	wall := time.Since(t0).Seconds()
	report(map[string]any{"per_s": float64(n) / wall, "cpu_us": (cpu() - cpu0) / float64(n)})
}

func waits(c client.Client, count int) {
	var left atomic.Int64
	left.Store(warmUp)
	run(c, 50, func() bool { return left.Add(-1) >= 0 })
	debug.FreeOSMemory()
	before := residentKB()
	for i := 0; i < count; i++ {
		r := c.GetWorkflow(context.Background(), prefix+strconv.Itoa(i), "00000000-0000-4000-8000-000000000000")
		go func() { _ = r.Get(context.Background(), nil) }()
	}
	time.Sleep(5 * time.Second)
	debug.FreeOSMemory()
	report(map[string]any{"kb": (residentKB() - before) / float64(count)})
	os.Exit(0)
}

func main() {
	c, err := client.Dial(client.Options{HostPort: os.Args[2]})
	must(err)
	switch os.Args[1] {
	case "cold":
		start(c)
	case "load":
		load(c, number(3), number(4))
	case "waits":
		waits(c, number(3))
	}
	c.Close()
}
