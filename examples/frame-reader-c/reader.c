/* Reads frames of one view and prints a line for each. See docs/guide/frames.md for the socket and the memory. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The memory is little-endian; this example does not swap bytes."
#endif

#define HEADER_BYTES 4096u
#define SLOT_HEADER_BYTES 256u
#define OBJECT_BYTES 64u
#define MAX_MESSAGE_BYTES 8192u

struct header {
    char magic[8];
    uint32_t version, header_bytes, slot_header_bytes, slots;
    uint64_t slot_bytes;
    uint32_t objects_offset, max_objects, pixels_offset, pixel_bytes, form, pixels, width_px, height_px;
    double rate_hz, left, top, right, bottom;
    char camera[64], stream[64];
};
_Static_assert(sizeof(struct header) == 232, "header");

struct slot_header {
    uint64_t sequence, seq;
    int64_t capture_ns, wall_ns, written_ns, tracks_ns;
    uint32_t width_px, height_px, row_bytes, pixel_bytes, flags, degrees;
    int32_t lens;
    uint32_t objects_seen, objects, source_width_px, source_height_px, reserved;
};
_Static_assert(sizeof(struct slot_header) == 96, "slot header");

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint32_t crc32(const uint8_t *bytes, size_t count) { /* ISO 3309, as zlib's */
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t n = 0; n < 256; n++) {
            uint32_t value = n;
            for (int bit = 0; bit < 8; bit++) value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
            table[n] = value;
        }
    uint32_t crc = 0xFFFFFFFFu;
    while (count--) crc = table[(crc ^ *bytes++) & 0xFF] ^ (crc >> 8);
    return crc ^ 0xFFFFFFFFu;
}

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) fail("The path of the socket is too long.");
    strcpy(address.sun_path, path);
    int peer = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (peer < 0 || connect(peer, (struct sockaddr *)&address, sizeof address)) fail("Nobody answers there.");
    return peer;
}

/* Asks for a view; returns the descriptor of its memory. */
static int ask(int peer, const char *view) {
    char message[MAX_MESSAGE_BYTES + 1];
    int length = snprintf(message, sizeof message, "{\"v\": 1, \"view\": \"%s\"}", view);
    (void)!send(peer, message, (size_t)length, MSG_NOSIGNAL); /* who refused us already says so below */
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec into = {message, MAX_MESSAGE_BYTES};
    struct msghdr got = {.msg_iov = &into, .msg_iovlen = 1, .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    ssize_t count = recvmsg(peer, &got, MSG_CMSG_CLOEXEC);
    struct cmsghdr *first = count > 0 ? CMSG_FIRSTHDR(&got) : NULL;
    if (!first || first->cmsg_level != SOL_SOCKET || first->cmsg_type != SCM_RIGHTS) {
        message[count > 0 ? count : 0] = 0;
        fail(count > 0 ? message : "The frames process hung up.");
    }
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(first), sizeof descriptor);
    return descriptor;
}

static const uint8_t *map(int descriptor, struct header *header) {
    struct stat found;
    if (fstat(descriptor, &found) || found.st_size < (off_t)HEADER_BYTES) fail("This is no ring.");
    const uint8_t *ring = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (ring == MAP_FAILED) fail("The ring cannot be mapped.");
    memcpy(header, ring, sizeof *header);
    if (memcmp(header->magic, "EYESRING", 8) || header->version != 1 || header->header_bytes != HEADER_BYTES ||
        header->slot_header_bytes != SLOT_HEADER_BYTES || !header->slots)
        fail("This is no ring of version 1.");
    uint64_t used = (uint64_t)header->pixels_offset + header->pixel_bytes;
    uint64_t table = (uint64_t)header->objects_offset + (uint64_t)header->max_objects * OBJECT_BYTES;
    if (used > header->slot_bytes || table > header->slot_bytes ||
        header->slot_bytes > ((uint64_t)found.st_size - HEADER_BYTES) / header->slots)
        fail("The ring contradicts itself.");
    return ring;
}

/* The newest frame's number among the ticks that are there; waits for the first. */
static uint64_t newest_tick(int peer) {
    char tick[MAX_MESSAGE_BYTES + 1];
    uint64_t seq = 0;
    for (int flags = 0;; flags = MSG_DONTWAIT) {
        ssize_t count = recv(peer, tick, MAX_MESSAGE_BYTES, flags);
        if (count <= 0 && seq) return seq;
        if (count <= 0) fail("The frames process hung up.");
        tick[count] = 0;
        const char *at = strstr(tick, "\"seq\":");
        if (!at) fail("A tick that does not parse.");
        seq = strtoull(at + 6, NULL, 10);
    }
}

/* Copies frame seq; 0 when it was overwritten before or while that was done. */
static int copy(const uint8_t *ring, const struct header *header, uint64_t seq, struct slot_header *slot,
                uint8_t *pixels) {
    const uint8_t *at = ring + HEADER_BYTES + (seq - 1) % header->slots * header->slot_bytes;
    const uint64_t *sequence = (const uint64_t *)at;
    if (__atomic_load_n(sequence, __ATOMIC_ACQUIRE) != 2 * seq) return 0;
    memcpy(slot, at, sizeof *slot);
    memcpy(pixels, at + header->pixels_offset, header->pixel_bytes);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(sequence, __ATOMIC_RELAXED) == 2 * seq;
}

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: %s SOCKET VIEW FRAMES\n", words[0]);
        return 2;
    }
    int peer = connect_to(words[1]);
    struct header header;
    const uint8_t *ring = map(ask(peer, words[2]), &header);
    uint8_t *pixels = malloc(header.pixel_bytes + 1u);
    if (!pixels) fail("There is not enough memory.");
    fprintf(stderr, "view of %.64s, %.64s\n", header.camera, header.stream);
    for (long left = atol(words[3]); left > 0;) {
        struct slot_header slot;
        uint64_t seq = newest_tick(peer);
        if (!copy(ring, &header, seq, &slot, pixels)) continue;
        printf("%" PRIu64 " %" PRId64 " %" PRIu32 "x%" PRIu32 " %" PRIu32 " %08" PRIx32 "\n", seq, slot.capture_ns,
               slot.width_px, slot.height_px, slot.objects_seen, crc32(pixels, header.pixel_bytes));
        fflush(stdout);
        left--;
    }
    return 0;
}
