# footlight: `make deps demo` and `make deps test` are all that a user needs.
#
#   make            build/footlight and build/libfootlight.a (float32)
#   make F64=1      the same sources in float64, under build/f64/
#   make OPENMP=0   one thread, same bits;  make CC=clang  another compiler;  make SANITIZE=1  ASan + UBSan
#   make test | lint | bench | retrain | install PREFIX=/usr/local DESTDIR=

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
endif

ROOMS := tensor autograd autograd/ops layers models attribution io io/cli
ARCH  := $(shell uname -m)
# Kernel files of other machines are compiled to nothing by their own #if; the flags are theirs alone.
FAST  := -O3 -ffp-contract=fast
FLAGS_kernels_avx2   := $(FAST) $(if $(filter x86_64,$(ARCH)),-mavx2 -mfma)
FLAGS_kernels_avx512 := $(FAST) $(if $(filter x86_64,$(ARCH)),-mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
FLAGS_kernels_neon   := $(FAST)
FLAGS_kernels_base   := -O3

LIB_C  := $(filter-out io/main.c,$(wildcard $(addsuffix /*.c,$(ROOMS))))
TEST_C := $(wildcard tests/*.c)
LIB_O  := $(LIB_C:%.c=$(BUILD)/%.o)
TEST_O := $(TEST_C:%.c=$(BUILD)/%.o)

all: $(BUILD)/footlight $(BUILD)/libfootlight.a

$(BUILD)/footlight: $(BUILD)/io/main.o $(BUILD)/libfootlight.a
	$(CC) $(ALL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libfootlight.a: $(LIB_O)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/tests/all: $(TEST_O) $(BUILD)/libfootlight.a
	$(CC) $(ALL_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(FLAGS_$(basename $(notdir $<))) -MMD -MP -c -o $@ $<

-include $(LIB_O:.o=.d) $(TEST_O:.o=.d) $(BUILD)/io/main.d

test: $(BUILD)/footlight $(BUILD)/tests/all
	FOOTLIGHT=$(abspath $(BUILD)/footlight) $(BUILD)/tests/all $(T)

clean:
	rm -rf build

.PHONY: all test clean
