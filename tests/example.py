# The features of a picture, from Python: ctypes over the shared library, nothing else.
#     python3 example.py libsvad.so model.svad photo.jpg
import sys
from ctypes import CDLL, POINTER, byref, c_char, c_double, c_float, c_int, c_size_t, c_void_p, create_string_buffer, Structure

class Err(Structure):
    _fields_ = [("code", c_int), ("msg", c_char * 480)]

class Cpu(Structure):       # core/cpu.h: a kernel table; no pool: this thread alone
    _fields_ = [("kern", c_void_p), ("pool", c_void_p), ("rows", c_size_t), ("cols", c_size_t)]

lib = CDLL(sys.argv[1])
lib.sv_kern_best.restype = lib.sv_clip_open.restype = c_void_p
lib.sv_clip_config.restype = POINTER(c_size_t)
lib.sv_clip_image.restype = None
err, IMAGE = Err(), 1

def check(ok):
    if not ok:
        sys.exit("example.py: " + err.msg.decode())

# Structures that are only handed on: more bytes than any has, all zero.
file, store, picture = (create_string_buffer(4096) for _ in range(3))
model, name = sys.argv[2].encode(), sys.argv[3].encode()
check(lib.sv_file_map(file, model, byref(err)) == 0)
check(lib.sv_store_init(store, model, byref(err)) == 0)
check(lib.sv_container_read(file, b"model", store, byref(err)) == 0)
check(lib.sv_image_load(name, picture, byref(err)) == 0)
cpu = Cpu(lib.sv_kern_best())
clip = c_void_p(lib.sv_clip_open(store, byref(cpu), IMAGE, c_size_t(1), byref(err)))
check(clip)
embed, size = lib.sv_clip_config(clip)[0:2]
mean, std = (c_double * 3)(), (c_double * 3)()
check(lib.sv_store_get_reals(store, b"clip.mean", c_size_t(3), mean, byref(err)) == 0)
check(lib.sv_store_get_reals(store, b"clip.std", c_size_t(3), std, byref(err)) == 0)
pixels, feature = (c_float * (3 * size * size))(), (c_float * embed)()
check(lib.sv_clip_pixels(picture, c_size_t(size), False, (c_float * 3)(*mean), (c_float * 3)(*std), pixels, None, byref(err)) == 0)
lib.sv_clip_image(clip, pixels, c_size_t(1), feature)
print(" ".join("%.9g" % x for x in feature))
lib.sv_clip_free(clip), lib.sv_image_free(picture), lib.sv_store_free(store), lib.sv_file_close(file)
