# make            build/release/svad and build/release/libsvad.a
# make demo       a street is rendered, learned, scored, redefined, reported, in build/demo (VIDEO=folder: footage of your own)
# make check      builds and passes every test (make check B=asan; T=png runs the suites whose names match)
# make fuzz       the fuzz targets with libFuzzer, in build/fuzz (clang)
# make model      trains tools/world/street.svad again, from nothing; SEED=2: another, kept in build/model-2
# make shared     build/release/libsvad.so
# make install    DESTDIR= PREFIX=/usr/local: binary, libraries, headers, pkg-config file, completions, manual page; make uninstall
# make lint       include direction, whitespace, one symbol per ISA object, headers that compile alone, warnings as errors
# B=release|asan|tsan picks flags and folder, CC= the compiler (make CC=aarch64-linux-gnu-gcc), STATIC=1 a static binary.
B ?= release
ARCH := $(shell $(CC) -dumpmachine)
HOST := $(shell uname -m)
CROSS = $(if $(filter $(HOST)-%,$(ARCH)),,-$(firstword $(subst -, ,$(ARCH))))
O ?= build/$(B)$(CROSS)$(if $(STATIC),-static)

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wwrite-strings $(WERROR)
STD  = -I. -std=c11 -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64 -ffp-contract=off -fno-math-errno -fno-trapping-math -fvisibility=hidden
release = -O2 -g
asan    = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
tsan    = -O1 -g -fsanitize=thread
fuzz    = -O1 -g -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer
ALL_CFLAGS = $(STD) $(WARN) $($(B)) $(CFLAGS)
LDLIBS = -lm -pthread
LDFLAGS += $(if $(STATIC),-static)

LIB_SRC  := $(wildcard core/*.c nn/*.c clip/*.c tfc/*.c kmeans/*.c io/*.c)
TOOL_SRC := $(wildcard tools/*.c tools/world/*.c bench/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$O/%.o)
TOOL_OBJ := $(TOOL_SRC:%.c=$O/%.o)
TEST_SRC := $(wildcard tests/test_*.c)
TEST_OBJ := $(TEST_SRC:%.c=$O/%.o)
FUZZ     := $(patsubst tests/%.c,$O/%,$(wildcard tests/fuzz_*.c))

all: $O/svad $O/libsvad.a

$O/svad: $(TOOL_OBJ) $O/libsvad.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$O/libsvad.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^
$O/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# The shared library has every function of the headers, since they are the manual: what is not static begins with sv_ (make lint).
# Versions before 1.0 that differ in the second number are no replacements for each other, so both numbers are in its name.
VERSION := $(shell sed -n 's/.*SV_VERSION "\(.*\)".*/\1/p' core/base.h)
SONAME  := libsvad.so.$(basename $(VERSION))
PIC_OBJ := $(LIB_SRC:%.c=$O/pic/%.o)
shared: $O/libsvad.so
$O/pic/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=default -fno-semantic-interposition -MMD -MP -c -o $@ $<
$O/libsvad.so: $(PIC_OBJ)
	$(CC) $(ALL_CFLAGS) $(filter-out -static,$(LDFLAGS)) -shared -Wl,-soname,$(SONAME),-Bsymbolic -o $@ $^ $(LDLIBS)
	ln -sf libsvad.so $O/$(SONAME)

# RUN= starts a binary of another machine (RUN=qemu-aarch64): the tool writes its own completions and manual page.
PREFIX ?= /usr/local
DEST    = $(DESTDIR)$(PREFIX)
API     = $(filter-out %_int.h %_tables.h core/vec_% core/word_% core/kern_simd.h core/kern_word.h core/kern_plain.h core/kern_none.h,$(HEADERS))
define PC
prefix=$(PREFIX)
Name: svad
Description: finds the unusual in video: CLIP features, temporal fusion, cosine k-means
Version: $(VERSION)
Cflags: -I$${prefix}/include/svad
Libs: -L$${prefix}/lib -lsvad
Libs.private: -lm -pthread
endef
export PC
install: $O/svad $O/libsvad.a $O/libsvad.so
	install -d $(DEST)/bin $(DEST)/lib/pkgconfig $(DEST)/share/man/man1 $(DEST)/share/bash-completion/completions $(DEST)/share/zsh/site-functions
	install -m 755 $O/svad $(DEST)/bin/svad
	install -m 644 $O/libsvad.a $(DEST)/lib/libsvad.a
	install -m 755 $O/libsvad.so $(DEST)/lib/libsvad.so.$(VERSION)
	ln -sf libsvad.so.$(VERSION) $(DEST)/lib/$(SONAME)
	ln -sf libsvad.so.$(VERSION) $(DEST)/lib/libsvad.so
	for h in $(API); do install -D -m 644 $$h $(DEST)/include/svad/$$h || exit 1; done
	printf '%s\n' "$$PC" > $(DEST)/lib/pkgconfig/svad.pc
	$(RUN) $O/svad man > $(DEST)/share/man/man1/svad.1
	$(RUN) $O/svad completion bash > $(DEST)/share/bash-completion/completions/svad
	$(RUN) $O/svad completion zsh > $(DEST)/share/zsh/site-functions/_svad
uninstall:
	rm -rf $(DEST)/include/svad
	rm -f $(DEST)/bin/svad $(DEST)/lib/libsvad.a $(DEST)/lib/libsvad.so $(DEST)/lib/$(SONAME) $(DEST)/lib/libsvad.so.$(VERSION) \
	    $(DEST)/lib/pkgconfig/svad.pc $(DEST)/share/man/man1/svad.1 $(DEST)/share/bash-completion/completions/svad $(DEST)/share/zsh/site-functions/_svad

# The flags of each table; a compiler that does not know some of them builds an empty one.
ifneq ($(filter x86_64%,$(ARCH)),)
ISA_avx2       = -mavx2 -mfma
ISA_avxvnni    = $(ISA_avx2) -mavxvnni
ISA_avx512     = $(ISA_avx2) -mavx512f -mavx512bw -mavx512dq -mavx512vl
ISA_avx512vnni = $(ISA_avx512) -mavx512vnni
ISA_avx512bf16 = $(ISA_avx512vnni) -mavx512bf16
ISA_amx        = $(ISA_avx512bf16) -mamx-tile -mamx-bf16 -mamx-int8
else ifneq ($(filter aarch64%,$(ARCH)),)
ISA_neondot    = -march=armv8.2-a+dotprod
ISA_neonbf16   = -march=armv8.2-a+dotprod+i8mm+bf16
endif
known = $(if $(shell $(CC) $(1) -E -x c /dev/null >/dev/null 2>&1 && echo yes),$(1))
$O/core/kern_%.o $O/pic/core/kern_%.o: ALL_CFLAGS += $(call known,$(ISA_$(patsubst kern_%,%,$(notdir $*))))

# Criterion is the one package the tests need; everything else needs a compiler and make.
$O/tests/criterion:
	@mkdir -p $(@D)
	@sh tests/criterion.sh "$(CC)"
	@touch $@
$(TEST_OBJ): | $O/tests/criterion
# tests/test_oom.c stands between the one caller of the heap, core/mem.c, and the heap; and keeps its files off the disk.
$O/check: $(TEST_OBJ) $O/tests/util.o $(filter-out $O/tools/main.o,$(TOOL_OBJ)) $O/libsvad.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--wrap=calloc,--wrap=free,--wrap=fsync -o $@ $^ -lcriterion $(LDLIBS)
# The body of the AVX-VNNI table with the EVEX form of its instruction, which more machines have.
$O/tests/kern_evex.o: core/kern_avxvnni.c Makefile
	$(CC) $(ALL_CFLAGS) $(call known,$(ISA_avx2) $(if $(ISA_avx2),-mavx512vl -mavx512vnni)) -DISA=avxvnni_evex -MMD -MP -c -o $@ $<
$O/check_kern: $O/tests/check_kern.o $O/tests/kern_evex.o $O/libsvad.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$O/fuzz_%: $O/tests/fuzz_%.o $O/tests/replay.o $O/libsvad.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$O/example: $O/tests/example.o $O/libsvad.a
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
check: $O/check $O/check_kern $O/svad $O/example $(if $(filter release,$(B)),$O/libsvad.so) $(FUZZ)
	SVAD_BUILD=$O ./$O/check $(if $(T),--filter '*$(T)*/*')

# libFuzzer brings its own main.
build/fuzz/libfuzzer_%: build/fuzz/tests/fuzz_%.o build/fuzz/libsvad.a
	$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
fuzz:
	$(MAKE) B=fuzz CC=clang $(patsubst tests/fuzz_%.c,build/fuzz/libfuzzer_%,$(wildcard tests/fuzz_*.c))

# Folder: the folders whose headers its files may include.
LAYERS = core:core nn:core,nn kmeans:core,kmeans io:core,io clip:core,nn,clip tfc:core,nn,tfc
ISA_OBJ = $(patsubst %.c,$O/%.o,$(wildcard core/kern_*.c))
HEADERS = $(wildcard core/*.h nn/*.h clip/*.h tfc/*.h kmeans/*.h io/*.h)
SOURCES = $(wildcard */*.[ch] tools/*/*.[ch] */*.py */*.sh tests/*/*.py Makefile .ci/run)
lint:
	@for l in $(LAYERS); do d=$${l%%:*}; ok=$$(echo "$${l#*:}" | tr , "|"); \
	    ! grep -nE '^ *# *include "' $$d/*.[ch] | grep -vE "include \"($$ok)/" || { echo "lint: $$d/ includes above its layer"; exit 1; }; done
	@! grep -nP '[ \t]+$$|[^\x00-\x7F]' $(SOURCES) || { echo "lint: trailing space, or a byte that is not ASCII"; exit 1; }
	@! grep -nP '\t' $(filter-out Makefile,$(SOURCES)) || { echo "lint: tab"; exit 1; }
	@for f in $(SOURCES); do test -z "$$(tail -c 1 $$f)" || { echo "lint: $$f does not end its last line"; exit 1; }; done
	@for c in gcc clang; do command -v $$c >/dev/null || { echo "lint: no $$c, not checked with it"; continue; }; \
	    for h in $(filter-out core/vec_% core/word_% core/kern_simd.h core/kern_word.h core/kern_plain.h,$(HEADERS)); do \
	        echo "#include \"$$h\"" | $$c $(STD) $(WARN) -Werror -fsyntax-only -x c - || { echo "lint: $$h does not compile alone"; exit 1; }; done; \
	    $(MAKE) -s WERROR=-Werror CC=$$c O=build/lint-$$c all build/lint-$$c/check_kern $(TEST_SRC:%.c=build/lint-$$c/%.o) || exit 1; done
	@$(MAKE) -s $(ISA_OBJ)
	@for o in $(ISA_OBJ); do test $$(nm -g --defined-only $$o | grep -c ' ') -le 1 || { echo "lint: $$o exports more than its table"; exit 1; }; done
	@! nm -g --defined-only $O/libsvad.a | grep ' [A-Z] ' | grep -v ' sv_' || { echo "lint: a symbol without sv_"; exit 1; }
	@echo "lint: clean"

# The model that the project ships, from nothing: about an hour on two cores with AVX-512.  SEED=2 makes another, beside it.
SEED = 1
M = build/model-$(SEED)
model: $O/svad
	@mkdir -p $M
	$O/svad street -o $M/clip.svad --seed $(SEED) $$(test -f $M/clip.svad.state && echo --resume) --log $M/clip.json --commit "$$(git rev-parse HEAD)"
	$O/svad street --tubes $M/tubes -m $M/clip.svad --worlds 24000 --seed $(SEED)
	$O/svad pretrain -m $M/clip.svad $M/tubes -o $M/street.svad --weights f16 --batch 256 --lr 1e-3 --epochs 9 --cosine --sigma 0.05 --seed $$(($(SEED) - 1)) --log $M/tfc.json
	$O/svad street --exam $M/street.svad
	test $(SEED) != 1 || cp $M/street.svad tools/world/street.svad

# Footage of your own: make demo VIDEO=folder [FPS=25].
demo:
	@$(MAKE) -s -j2 all
	@SVAD=$O/svad VIDEO='$(VIDEO)' sh tools/demo.sh

clean:
	rm -rf build

-include $(PIC_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(TEST_OBJ:.o=.d) $(wildcard $O/tests/*.d)
.PHONY: all demo check model fuzz shared install uninstall lint clean
.SECONDARY:
