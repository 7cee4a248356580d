/* A service without any library: frames from shared memory, beats and events on the bus, both by their documents.
 *
 * docs/guide/frames.md says what the frames socket and the memory are, docs/guide/bus.md what beats and events are; the
 * bus speaks NATS's text protocol, of which a client that only says something needs four words. */
#define main reader_main
#include "../frame-reader-c/reader.c"
#undef main
#include <poll.h>
#include <time.h>

#define BEAT_NS 2000000000ll
#define PATIENCE_MS 30000

static int64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* A program this small runs before its sockets are there: they come within a moment of its start. */
static void await(const char *path) {
    for (int waited_ms = 0; access(path, F_OK); waited_ms += 20) {
        if (waited_ms >= PATIENCE_MS) fail("A socket of the host did not come.");
        poll(NULL, 0, 20);
    }
}

static int join_bus(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) fail("The path of the bus is too long.");
    strcpy(address.sun_path, path);
    int bus = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bus < 0 || connect(bus, (struct sockaddr *)&address, sizeof address)) fail("The bus does not answer.");
    dprintf(bus, "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\",\"protocol\":1}\r\n");
    return bus;
}

/* Reads what the bus says and answers its pings; it sends nothing else to who listens to nothing. */
static void hear(int bus) {
    static char heard[65536];
    struct pollfd ready = {.fd = bus, .events = POLLIN};
    while (poll(&ready, 1, 0) > 0) {
        ssize_t count = read(bus, heard, sizeof heard - 1);
        if (count <= 0) fail("The bus hung up.");
        heard[count] = 0;
        if (strstr(heard, "-ERR")) fail(heard);
        if (strstr(heard, "PING\r\n")) dprintf(bus, "PONG\r\n");
    }
}

static void say(int bus, const char *what, const char *document) {
    dprintf(bus, "PUB eyespot.service.brightness.%s %zu\r\n%s\r\n", what, strlen(document), document);
}

static double mean(const uint8_t *pixels, const struct slot_header *slot) {
    double sum = 0;
    for (uint32_t y = 0; y < slot->height_px; y++)
        for (uint32_t x = 0; x < slot->width_px; x++) sum += pixels[(size_t)y * slot->row_bytes + x];
    return sum / ((double)slot->width_px * slot->height_px);
}

/* Once, at the third frame: a moment, with what was measured. */
static void tell(int bus, const struct header *header, const struct slot_header *slot, double brightness) {
    char document[512];
    snprintf(document, sizeof document,
             "{\"v\":1,\"id\":\"%026" PRId64 "\",\"kind\":\"measured\",\"camera\":\"%.64s\",\"start_wall_ns\":%" PRId64
             ",\"end_wall_ns\":%" PRId64 ",\"detail\":{\"brightness\":%.1f,\"user\":%d}}",
             slot->wall_ns, header->camera, slot->wall_ns, slot->wall_ns, brightness, (int)getuid());
    say(bus, "event", document);
}

int main(void) {
    const char *run = getenv("EYESPOT_RUN");
    char frames[108], messages[108];
    snprintf(frames, sizeof frames, "%s/frames.sock", run ? run : "/run/eyespot");
    snprintf(messages, sizeof messages, "%s/bus.sock", run ? run : "/run/eyespot");
    await(messages);
    await(frames);
    int bus = join_bus(messages), peer = connect_to(frames);
    struct header header;
    const uint8_t *ring = map(ask(peer, "whole"), &header);
    uint8_t *pixels = malloc(header.pixel_bytes + 1u);
    if (!pixels) fail("There is not enough memory.");
    fprintf(stderr, "view of %.64s, %.64s\n", header.camera, header.stream);
    int64_t began_ns = now_ns(CLOCK_MONOTONIC), next_ns = began_ns;
    for (uint64_t frames_seen = 0;;) {
        struct slot_header slot;
        if (copy(ring, &header, newest_tick(peer), &slot, pixels) && ++frames_seen == 3)
            tell(bus, &header, &slot, mean(pixels, &slot));
        hear(bus);
        int64_t at_ns = now_ns(CLOCK_MONOTONIC);
        if (at_ns < next_ns) continue;
        next_ns = at_ns + BEAT_NS;
        char beat[256];
        snprintf(beat, sizeof beat, "{\"v\":1,\"version\":\"1.0.0\",\"uptime_s\":%.1f,\"frames\":{\"whole\":%" PRIu64 "}}",
                 (double)(at_ns - began_ns) / 1e9, frames_seen);
        say(bus, "beat", beat);
    }
}
