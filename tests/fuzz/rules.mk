# make fuzz: a program for each parser, of objects of its own (see README.md).
FUZZ    ?= $B/fuzz
FUZZ_CC ?= clang
FUZZ_FLAGS = -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
# AFL++ adds the sanitizers by itself.
FUZZ_LINK = -fsanitize=fuzzer$(if $(filter clang,$(FUZZ_CC)),$(comma)address$(comma)undefined)
comma   := ,
FUZZ_INC = $(REC_INC) -Irecord/agent
FUZZ_WRAPPED = -Wl,--wrap=exit,--wrap=_exit,--wrap=fopen,--wrap=fclose
FUZZ_PARTS = ring symbols linetable pylines attach cfi
FUZZ_BIN = $(FUZZ_PARTS:%=$(FUZZ)/bin/%) $(TOOLS:%=$(FUZZ)/bin/%)
FUZZ_FORMAT = $(patsubst $B/obj/%,$(FUZZ)/obj/%,$(LIB_OBJ))
# ring.c and what it is about: all of the recorder, less its main file and those that launch.
FUZZ_RECORD = $(patsubst %.c,$(FUZZ)/obj/%.o,$(wildcard record/collect/*.c record/symbols/*.c))
FUZZ_OBJ_ring = $(FUZZ_RECORD)
FUZZ_OBJ_symbols = $(filter $(FUZZ)/obj/record/symbols/%,$(FUZZ_RECORD))
FUZZ_OBJ_linetable = $(FUZZ)/obj/record/symbols/linetable.o
FUZZ_OBJ_pylines = $(FUZZ)/obj/record/collect/pylines.o
FUZZ_OBJ_attach = $(FUZZ)/obj/record/inject/safety.o
FUZZ_OBJ_cfi = $(FUZZ)/obj/record/agent/native/cfi.o

$(FUZZ)/obj/render/mem2pprof.o: $B/obj/render/mem2pprof/profile.pb-c.h
$(FUZZ)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_INC) -I$B/obj/render/mem2pprof -std=gnu11 $(FUZZ_FLAGS) $(if $(filter tests/%,$<),,-include tests/fuzz/state.h) $(if $(filter filters/% render/%,$<),-Dmain=tool_main) -MMD -MP -c -o $@ $<
# Not watched: it restores what is.
$(FUZZ)/obj/tests/fuzz/fuzz.o: tests/fuzz/fuzz.c
	@mkdir -p $(@D)
	clang $(CPPFLAGS) -std=gnu11 -g -O2 -fno-builtin -MMD -MP -c -o $@ $<

$(FUZZ_PARTS:%=$(FUZZ)/bin/%): $(FUZZ)/bin/%: $(FUZZ)/obj/tests/fuzz/%.o $(FUZZ)/obj/tests/fuzz/fuzz.o $$(FUZZ_OBJ_$$*) $(FUZZ_FORMAT)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_LINK) $(FUZZ_WRAPPED) -o $@ $^ -Wl,--as-needed $(LIBS) $(REC_LIBS)

# A tool's texts (*.asset.o), and code that protobuf-c's compiler wrote, are those of the build.
FUZZ_TOOL_OBJ = $(patsubst $B/obj/%,$(FUZZ)/obj/%,$(filter-out %.asset.o %.pb-c.o,$(call TOOL_OBJ,$1))) $(filter %.asset.o %.pb-c.o,$(call TOOL_OBJ,$1))
$(TOOLS:%=$(FUZZ)/bin/%): $(FUZZ)/bin/%: $(FUZZ)/obj/tests/fuzz/tool.o $(FUZZ)/obj/tests/fuzz/fuzz.o $$(call FUZZ_TOOL_OBJ,$$*) $(FUZZ_FORMAT)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_LINK) $(FUZZ_WRAPPED) -o $@ $^ -Wl,--as-needed $(LIBS)

# A memrec that keeps what it takes from rings: seeds.
$(FUZZ)/bin/memrec: tests/fuzz/ringdump.c $(REC_OBJ) $(LIB) $(AGENT)
	@mkdir -p $(@D)
	@ln -sfn $(abspath $B/lib) $(FUZZ)/lib
	$(CC) $(CPPFLAGS) $(REC_INC) $(ALL_CFLAGS) -fno-lto -Wl,--wrap=record_take -o $@ tests/fuzz/ringdump.c $(REC_OBJ) $(LIB) -Wl,--as-needed $(LIBS) $(REC_LIBS)

fuzz-files: all $(FUZZ_BIN) $(FUZZ)/bin/memrec
	@:
.PHONY: fuzz-files

-include $(wildcard $(FUZZ)/obj/*/*.d $(FUZZ)/obj/*/*/*.d $(FUZZ)/obj/*/*/*/*.d)
