/* replay.c - runs a fuzz target over files named on the command line: the way to repeat a finding without libFuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *f = fopen(argv[i], "rb");
        if (!f) return perror(argv[i]), 1;
        fseek(f, 0, SEEK_END);
        const long n = ftell(f);
        rewind(f);
        /* Exactly n bytes, so that a sanitizer sees a read past the end. */
        uint8_t *p = malloc(n > 0 ? (size_t)n : 1);
        const size_t got = p && n > 0 ? fread(p, 1, (size_t)n, f) : 0;
        fclose(f);
        LLVMFuzzerTestOneInput(p, got);
        free(p);
    }
    return 0;
}
