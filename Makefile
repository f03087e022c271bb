# Temporal for Lua.
#   make            builds build/$(LUA)/temporal/core.so      LUA=5.4 (default), 5.1 ... 5.3, jit
#   make bundle     builds build/$(LUA)/temporal.so: one file with the Lua modules inside
#   make static     builds build/$(LUA)/libtemporal.a, the same for programs that embed Lua
#   make env        prints the exports that let any program use this tree: eval "$(make -s env)"
#   make demo       installs what is missing, starts a Temporal server, runs examples/demo.lua
#   make up         a Temporal server with its web UI and the worker of the examples, until Ctrl-C
#   make test       everything: lint, C unit tests, specs against a real server and a fault peer
#   make test LANES=2                 so many servers, with specs, at a time (3)
#   make test SPEC=spec/each/value    the specs of these files and folders only
#   make test-unit  C unit tests, and the specs that need no server
#   make test-all   make test, spec/each under every other version of Lua (SPEC= under all), and
#                   what talks to a server against the oldest one, too
#   make soak       what must never crash, 500 times each; loads, larger
#   make torture    every allocation of a client's life fails once; LIVES=500 tries so many
#   make lint asan tsan fuzz bench docs schema install clean
#   make install    PREFIX=/usr/local, and DESTDIR for packages;  make install-bundle: the one file

LUA      ?= 5.4
SANITIZE ?=
PREFIX   ?= /usr/local
SPEC     ?=
LANES    ?= 3

# LUA_BIN: another interpreter than the version's own name; it says which version it is.
LUA_BIN  ?=
ifneq ($(LUA_BIN),)
override LUA := $(shell $(LUA_BIN) -e 'print(jit and "jit" or _VERSION:match "%d.%d")')
endif

VERSIONS := 5.1 5.2 5.3 5.4 jit
ifneq ($(words $(LUA)) $(filter $(VERSIONS),$(LUA)),1 $(LUA))
$(error LUA is one of $(VERSIONS), not "$(LUA)")
endif

BUILD    := build/$(LUA)$(addprefix -,$(SANITIZE))
LUA_NAME := $(if $(filter jit,$(LUA)),luajit,lua$(LUA))
LUA_INC  := $(shell pkg-config --cflags $(LUA_NAME) 2>/dev/null || \
              echo -I/usr/include/$(LUA_NAME))
LUA_LIB  := $(shell pkg-config --libs $(LUA_NAME) 2>/dev/null || echo -l$(LUA_NAME))
PYTHON   := .deps/venv/bin/python

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Wundef -Wwrite-strings
CFLAGS   ?= -O2 -g
TP_FLAGS := -std=c99 -D_GNU_SOURCE $(WARNINGS) -fvisibility=hidden -fPIC \
            -pthread
# nodelete: the I/O thread outlives the Lua state, so the code must stay mapped.
# Nothing links liblua: the host program provides it.
TP_LINK  := -shared -pthread -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now
# No libcurl and no OpenSSL: see csrc/core/net/libcurl.h.
LIBS     := -lnghttp2 -lz -ldl -lpthread

SANITIZE_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
                 -fno-sanitize-recover=undefined
SANITIZE_tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread
EXTRA    := $(SANITIZE_$(SANITIZE))

LATE     := csrc/core/net/libcurl_late.c
LINKED   := csrc/core/net/libcurl_linked.c
C_CORE   := $(filter-out $(LINKED),$(wildcard csrc/core/*/*.c))
CORE     := $(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(C_CORE))
HOSTED   := $(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(filter-out $(LATE),$(C_CORE)) $(LINKED))
BINDING  := $(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(wildcard csrc/binding/*.c csrc/binding/*/*.c))
BUNDLED  := $(BUILD)/obj/bundle/bundle.o $(BUILD)/obj/bundle/modules.o
MODULE   := $(BUILD)/temporal/core.so
BUNDLE   := $(BUILD)/temporal.so
ARCHIVE  := $(BUILD)/libtemporal.a
C_TESTS  := $(patsubst spec/c/%.c,$(BUILD)/c/%,$(wildcard spec/c/*_test.c))
PEERS    := $(patsubst spec/support/%.c,$(BUILD)/support/%,$(wildcard spec/support/*.c))
FUZZERS  := $(patsubst fuzz/%.c,build/fuzz/%,$(wildcard fuzz/fuzz_*.c))
REPLAYS  := $(patsubst fuzz/corpus/%,$(BUILD)/replay/%,$(wildcard fuzz/corpus/fuzz_*))

.PHONY: all bundle static docs env demo up test test-unit test-all test-build soak lint asan tsan fuzz \
        bench schema install install-bundle clean
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --jobs=$(shell nproc) --no-builtin-rules
endif
.DELETE_ON_ERROR:

all: $(MODULE)
	@:

$(MODULE): $(CORE) $(BINDING)
	@mkdir -p $(@D)
	@echo link $@
	@$(CC) $(CFLAGS) $(EXTRA) -o $@ $^ $(TP_LINK) $(LDFLAGS) $(LIBS)

bundle: $(BUNDLE)
	@:

$(BUNDLE): $(CORE) $(BINDING) $(BUNDLED)
	@echo link $@
	@$(CC) $(CFLAGS) $(EXTRA) -o $@ $^ $(TP_LINK) $(LDFLAGS) $(LIBS)

static: $(ARCHIVE)
	@:

$(ARCHIVE): $(HOSTED) $(BINDING) $(BUNDLED)
	@rm -f $@
	@echo ar $@
	@$(AR) rcs $@ $^

$(BUILD)/obj/core/%.o: csrc/core/%.c Makefile
	@mkdir -p $(@D)
	@echo cc $<
	@$(CC) $(TP_FLAGS) $(CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/obj/binding/%.o: csrc/binding/%.c Makefile
	@mkdir -p $(@D)
	@echo cc $<
	@$(CC) $(TP_FLAGS) $(LUA_INC) $(CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/obj/bundle/%.o: csrc/bundle/%.c Makefile
	@mkdir -p $(@D)
	@echo cc $<
	@$(CC) $(TP_FLAGS) $(LUA_INC) $(CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

$(BUILD)/obj/bundle/modules.o: $(BUILD)/obj/bundle/modules.c csrc/bundle/bundle.h
	@$(CC) $(TP_FLAGS) -iquote csrc/bundle $(CFLAGS) -c -o $@ $<

$(BUILD)/obj/bundle/modules.c: $(shell find lua -name '*.lua') tools/bundle.lua
	@mkdir -p $(@D)
	@echo compile lua
	@$(or $(LUA_BIN),$(LUA_NAME)) tools/bundle.lua > $@

# A C unit test is one file of spec/c on top of the whole core, without Lua.
# -iquote, not -I: csrc/core/base/limits.h must not hide the system's <limits.h>.
$(BUILD)/c/%: spec/c/%.c $(CORE)
	@mkdir -p $(@D)
	@echo cc $<
	@$(CC) $(TP_FLAGS) -iquote csrc/core $(CFLAGS) $(EXTRA) -MMD -MP \
	  -o $@ $< $(CORE) $(LIBS)

# A peer is a program of its own that the specs start. It shares no code and is never sanitized:
# it ends without freeing, and it is not what is tested.
$(BUILD)/support/%: spec/support/%.c Makefile
	@mkdir -p $(@D)
	@echo cc $<
	@$(CC) $(TP_FLAGS) $(CFLAGS) -MMD -MP -o $@ $< -lnghttp2 -lpthread

# In fuzz_peer these are the target's own: fuzz/world.h.
comma    := ,
WORLD    := poll pthread_create fprintf free malloc calloc realloc strdup strndup tp_now tp_engine_dial \
            $(addprefix tp_connection_,free state reason address fd until wrapped send receive)
build/fuzz/fuzz_peer $(BUILD)/replay/fuzz_peer: WRAPPED := $(addprefix -Wl$(comma)--wrap=,$(WORLD))

# A fuzz target without the fuzzer, for the inputs in fuzz/corpus.
$(BUILD)/replay/%: fuzz/%.c fuzz/replay.c $(wildcard fuzz/*.h) $(CORE) $(BINDING)
	@mkdir -p $(@D)
	@echo cc $<
	@$(CC) $(TP_FLAGS) $(LUA_INC) $(CFLAGS) $(EXTRA) -o $@ $< fuzz/replay.c $(CORE) $(BINDING) \
	  $(LUA_LIB) $(LIBS) $(WRAPPED)

-include $(CORE:.o=.d) $(HOSTED:.o=.d) $(BUNDLED:.o=.d) $(BINDING:.o=.d) $(C_TESTS:=.d) $(PEERS:=.d)

env:
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$${LUA_PATH:-;}"'
	@echo 'export LUA_CPATH="$(CURDIR)/$(BUILD)/?.so;$${LUA_CPATH:-;}"'

demo up:
	@LUA=$(LUA) tools/install demo
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tools/demo --lua $(LUA_NAME) --build $(BUILD) $(if $(filter up,$@),--up)

# Built in a second make, because what tools/install brings changes what this one saw.
# nginx runs LuaJIT, whatever runs the specs.
test test-unit:
	@LUA=$(LUA) tools/install test
	@$(MAKE) --no-print-directory test-build
	@$(MAKE) --no-print-directory LUA=jit SANITIZE= all
	@$(PYTHON) tools/run_tests --lanes $(LANES) $(if $(filter test-unit,$@),--unit) \
	  $(addprefix --sanitizer ,$(SANITIZE)) $(LUA) -- $(SPEC)

test-all:
	@LUA="$(VERSIONS)" tools/install test-all
	@for version in $(VERSIONS); do \
	  $(MAKE) --no-print-directory LUA=$$version test-build || exit 1; \
	done
	@$(PYTHON) tools/run_tests --lanes $(LANES) --older $(LUA) $(filter-out $(LUA),$(VERSIONS)) -- $(SPEC)

# The examples that need a browser or a screen; their pictures go to build/examples.
.PHONY: examples-check
examples-check:
	@tools/install examples
	@$(MAKE) --no-print-directory LUA=jit SANITIZE= all
	@$(PYTHON) tools/examples_check

# ROUNDS of everything that spec/each/life repeats.
ROUNDS ?= 500
soak:
	@TEMPORAL_TEST_ROUNDS=$(ROUNDS) $(MAKE) --no-print-directory test \
	  SPEC="spec/each/life spec/each/hosts spec/once/hosts/nginx_load_spec.lua"

# Of each way to fail, at most so many.
LIVES ?= 1000000
.PHONY: torture
torture:
	@TEMPORAL_TEST_ROUNDS=$(LIVES) $(MAKE) --no-print-directory test \
	  SPEC=spec/each/life/torture_spec.lua

test-build: $(MODULE) $(ARCHIVE) $(C_TESTS) $(REPLAYS) $(PEERS)
	@:

asan tsan:
	@$(MAKE) --no-print-directory SANITIZE=$@ test

lint: all
	@CC="$(CC)" tools/lint $(MODULE) "$(TP_FLAGS) $(LUA_INC)"

# The generated file is replaced only by a complete one.
docs:
	@command -v ldoc >/dev/null || { echo 'docs: install lua-ldoc' >&2; exit 1; }
	ldoc -q .

schema:
	@tools/install demo
	$(PYTHON) tools/schema.py > csrc/core/proto/schema_table.c.new
	mv csrc/core/proto/schema_table.c.new csrc/core/proto/schema_table.c

# FUZZ_SECONDS for each target; what a target finds stays in build/fuzz. Leaks are looked for once,
# at the end: the Lua state keeps memory, and a look after each such input is 40 times slower.
FUZZ_SECONDS ?= 60
fuzz:
	@tools/install fuzz
	@$(MAKE) --no-print-directory fuzz-run

.PHONY: fuzz-run
fuzz-run: $(FUZZERS) all
	@for f in $(FUZZERS); do \
	  tools/corpus unpack fuzz/corpus/$${f##*/} $$f.corpus || exit 1; \
	  $$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 -detect_leaks=0 \
	    -artifact_prefix=$$f- $$f.corpus || exit 1; \
	done
	@LUA_PATH="./lua/?.lua;./lua/?/init.lua;./?.lua;;" LUA_CPATH="./$(BUILD)/?.so;;" \
	  $(or $(LUA_BIN),$(LUA_NAME)) fuzz/fuzz_toml.lua $(FUZZ_SECONDS)

build/fuzz/%: fuzz/%.c $(wildcard fuzz/*.h csrc/core/*/*.[ch] csrc/binding/*.[ch] csrc/binding/*/*.[ch])
	@mkdir -p $(@D)
	clang $(TP_FLAGS) $(LUA_INC) -O1 -g -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=undefined -o $@ $< $(C_CORE) \
	  $(wildcard csrc/binding/*.c csrc/binding/*/*.c) $(LUA_LIB) $(LIBS) $(WRAPPED)

bench: all bundle
	@LUA=$(LUA_NAME) BUILD=$(BUILD) bench/run
	@LUA=$(LUA_NAME) BUILD=$(BUILD) bench/worker/run

install: all
	install -d $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_ABI)/temporal
	install -m 755 $(MODULE) $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_ABI)/temporal/
	cd lua && find temporal -name '*.lua' -exec install -D -m 644 {} \
	  $(abspath $(DESTDIR)$(PREFIX))/share/lua/$(LUA_ABI)/{} \;

install-bundle: bundle
	install -D -m 755 $(BUNDLE) $(DESTDIR)$(PREFIX)/lib/lua/$(LUA_ABI)/temporal.so

LUA_ABI = $(if $(filter jit,$(LUA)),5.1,$(LUA))

clean:
	rm -rf build
