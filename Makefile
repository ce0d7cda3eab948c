# footlight: `make deps demo` and `make deps test` are all that a user needs.
#
#   make            build/footlight and build/libfootlight.a (float32)
#   make F64=1      the same sources in float64, under build/f64/
#   make OPENMP=0   one thread, same bits;  make CC=clang  another compiler;  make SANITIZE=1  ASan + UBSan
#   make test | lint | valgrind | bench | fuzz | retrain | install PREFIX=/usr/local DESTDIR=

CC      ?= cc
ifeq ($(origin CC),default)
CC      := cc
endif
PREFIX  ?= /usr/local
OPENMP  ?= 1
F64     ?= 0
SANITIZE ?= 0
VERSION := 0.1.0

BUILD := build$(if $(filter 1,$(F64)),/f64)$(if $(filter 0,$(OPENMP)),/serial)$(if $(filter 1,$(SANITIZE)),/sanitize)$(if $(filter-out cc gcc,$(notdir $(CC))),/$(notdir $(CC)))

WARN   := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unknown-pragmas
CPPFLAGS += -I. -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -DFL_VERSION='"$(VERSION)"' $(STB_FLAGS)
CFLAGS ?= -O3 -g
ALL_CFLAGS := -std=c11 $(WARN) $(CFLAGS) -ffp-contract=off -fno-math-errno
LDLIBS := -lm
STB_FLAGS = $(shell pkg-config --cflags stb 2>/dev/null || echo -I/usr/include/stb)

ifeq ($(OPENMP),1)
ALL_CFLAGS += -fopenmp
ALL_LDFLAGS += -fopenmp
endif
ifeq ($(F64),1)
CPPFLAGS += -DFL_F64
endif
ifeq ($(SANITIZE),1)
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=address,undefined
# Register tiles are unrolled in full; with a check behind every access a compiler takes a quarter of an hour for one of them.
UNCHECKED := -fno-sanitize=all
endif

ROOMS := tensor autograd autograd/ops layers models attribution attribution/metrics io io/onnx io/cli io/cli/lesson
ARCH  := $(shell uname -m)
# Kernel files of other machines are compiled to nothing by their own #if; the flags are theirs alone.
FAST  := -O3 -ffp-contract=fast $(UNCHECKED)
FLAGS_kernels_avx2   := $(FAST) $(if $(filter x86_64,$(ARCH)),-mavx2 -mfma)
FLAGS_kernels_avx512 := $(FAST) $(if $(filter x86_64,$(ARCH)),-mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
FLAGS_kernels_neon   := $(FAST)
FLAGS_kernels_base   := -O3 $(UNCHECKED)
FLAGS_winograd_avx2   := -O3 $(UNCHECKED) $(if $(filter x86_64,$(ARCH)),-mavx2 -mfma)
FLAGS_winograd_avx512 := -O3 $(UNCHECKED) $(if $(filter x86_64,$(ARCH)),-mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
FLAGS_winograd_neon   := -O3 $(UNCHECKED)
FLAGS_winograd_base   := -O3 $(UNCHECKED)
$(foreach set,base avx2 avx512 neon,$(eval FLAGS_disc_$(set) := $(FLAGS_winograd_$(set))) \
                                    $(eval FLAGS_math_$(set) := $(FLAGS_winograd_$(set)) -fno-math-errno -fno-trapping-math))

LIB_C  := $(filter-out io/main.c,$(wildcard $(addsuffix /*.c,$(ROOMS))))
TEST_C := $(wildcard tests/*.c)
LIB_O  := $(LIB_C:%.c=$(BUILD)/%.o)
TEST_O := $(TEST_C:%.c=$(BUILD)/%.o)

all: $(BUILD)/footlight $(BUILD)/libfootlight.a

# Short lines unless V=1.
V ?= 0
say = $(if $(filter 0,$(V)),@echo "  $(1) $@";)

$(BUILD)/footlight: $(BUILD)/io/main.o $(BUILD)/libfootlight.a
	$(call say,link)$(CC) $(ALL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libfootlight.a: $(LIB_O)
	@rm -f $@
	$(call say,ar  )$(AR) rcs $@ $^

$(BUILD)/tests/all: $(TEST_O) $(BUILD)/libfootlight.a
	$(call say,link)$(CC) $(ALL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc  )$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(FLAGS_$(basename $(notdir $<))) -MMD -MP -c -o $@ $<

-include $(LIB_O:.o=.d) $(TEST_O:.o=.d) $(BUILD)/io/main.d

# ---- what a user runs ----

# Installs what is missing and nothing else. Needs apt-get and, where you are not root, sudo.
NEEDED := gcc libc6-dev pkg-config libstb-dev
TOOLS  := clang libomp-dev clang-tidy cppcheck valgrind
PEERS  := python3 python3-torch python3-torchvision libopenblas0-openmp
define install
	@missing=; for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	 if [ -z "$$missing" ]; then echo "$@: everything is there"; exit 0; fi; \
	 echo "$@: installing$$missing"; as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	 $$as apt-get -qq update && DEBIAN_FRONTEND=noninteractive $$as apt-get -qq install -y --no-install-recommends $$missing
endef
deps: ; $(call install,$(NEEDED))
deps-dev: deps ; $(call install,$(TOOLS))
bench-peers: deps ; $(call install,$(PEERS))

ifneq ($(filter deps,$(MAKECMDGOALS)),)      # first deps, then the rest, with -j as well
$(LIB_O) $(TEST_O) $(BUILD)/io/main.o: | deps
endif

demo: all
	$(BUILD)/footlight demo

# BIG=0 leaves out the published networks at full size (a minute, 5 GB) and a search of 1000 steps.
BIG ?= 1
test: $(BUILD)/footlight $(BUILD)/tests/all
	BIG=$(BIG) FOOTLIGHT=$(abspath $(BUILD)/footlight) $(BUILD)/tests/all $(T)

# ---- for those who build it ----

CHECKED := $(LIB_C) io/main.c $(TEST_C)
lint:
	@command -v clang-tidy cppcheck clang >/dev/null || { echo "lint: run 'make deps-dev' first"; exit 1; }
	$(MAKE) --no-print-directory CC=gcc all
	$(MAKE) --no-print-directory CC=clang all
	printf '%s\n' $(CHECKED) | xargs -P 2 -I {} clang-tidy --quiet {} -- -std=c11 $(CPPFLAGS) $(WARN) 2>/dev/null \
	    | { ! grep -E "(warning|error):"; }
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --suppressions-list=.cppcheck \
	    --error-exitcode=1 -j 2 -I. -D_DEFAULT_SOURCE $(CHECKED)
	@echo "lint: clean"

# The unit tests of the core and the readers, and one whole explanation. Valgrind knows AVX2, not AVX-512; OpenMP's threads keep
# their memory to the end, which is no leak of ours: definite leaks count.
MEMCHECK := FOOTLIGHT_ISA=avx2 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive valgrind --quiet --error-exitcode=9 --leak-check=full \
    --show-leak-kinds=definite --errors-for-leak-kinds=definite
UNITS := arena bundle error file_order models_tiny graph_errors graph_shared graph_signals io_json io_npy io_safetensors ops_values_follow_the_definition
valgrind: all $(BUILD)/tests/all
	FOOTLIGHT=$(abspath $(BUILD)/footlight) $(MEMCHECK) $(BUILD)/tests/all $(if $(T),$(T),$(UNITS))
	$(BUILD)/footlight synth -o build/valgrind --count 1 --frames 8 --size 24x24 --quiet
	$(MEMCHECK) $(BUILD)/footlight explain build/valgrind/clip_000000.ppm --model tiny --weights formula --method gradient,grad_cam \
	    -o build/valgrind/out --quiet
	@echo "valgrind: clean"

# Trains a shipped network again; the file must come out the same, bit for bit. All of them: make retrain.
SMALL := c3d_small r2plus1d_small i3d_small tsm_small cnn_lstm_small convlstm_small
include weights/recipes.mk
retrain: $(SMALL:%=retrain-%) retrain-masker_r2plus1d_small
retrain-%: all
	$(BUILD)/footlight train --model $* $(RECIPE_$*) --seed 1 -o build/$*.safetensors
	cmp build/$*.safetensors weights/$*.safetensors && echo "$*: the same bits"
retrain-masker_%: all
	$(BUILD)/footlight train --masker --model $* $(RECIPE_masker_$*) --seed 0 -o build/masker_$*.safetensors
	cmp build/masker_$*.safetensors weights/masker_$*.safetensors && echo "masker of $*: the same bits"

# Layers as shares of the machine's peak, networks and whole explanations beside PyTorch where it is installed: a quarter of an
# hour; writes tests/bench/results_ISA.json and .md. make bench-peers installs the peer.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
bench: all
	@for size in 320x240 224x224; do $(BUILD)/footlight bench --flow $$size || exit 1; done
	@for model in $(SMALL); do for pass in forward gradient; do \
	    $(BUILD)/footlight bench --model $$model --pass $$pass || exit 1; done; done
	@command -v $(PYTHON) >/dev/null || { echo "bench: the rest needs python3: make bench-peers"; exit 1; }
	$(PYTHON) tests/bench/run.py $(BUILD)/footlight

fuzz: $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
# Kernels want their own flags, and no checks: as they are in the build.
SETS     := base avx2 avx512 neon
KERNEL_C := $(SETS:%=tensor/kernels_%.c) $(SETS:%=tensor/winograd_%.c) $(SETS:%=tensor/disc_%.c) $(SETS:%=tensor/math_%.c)
KERNEL_O := $(KERNEL_C:%.c=$(BUILD)/%.o)
build/fuzz/%: tests/fuzz/%.c $(LIB_C) $(KERNEL_O)
	@mkdir -p $(@D)
	clang -O1 -g -std=c11 $(CPPFLAGS) -fsanitize=fuzzer,address,undefined -o $@ $< $(filter-out $(KERNEL_C),$(LIB_C)) \
	    $(KERNEL_O) $(LDLIBS)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/share/footlight/weights
	install -m 755 $(BUILD)/footlight $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(BUILD)/libfootlight.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 weights/*.safetensors $(DESTDIR)$(PREFIX)/share/footlight/weights/

clean:
	rm -rf build

.PHONY: all deps deps-dev demo test lint bench bench-peers valgrind retrain fuzz install clean
.DELETE_ON_ERROR:
