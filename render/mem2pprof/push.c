/*
 * push.c - send profiles to a server, by a process of its own
 *
 * Source: grafana.com/docs/pyroscope, "Pyroscope server HTTP API", Ingestion
 */
#include "push.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "queue.h"
#include "tool.h"
#include "xmalloc.h"

#define LONGEST_NAME 160		/* bytes, as in a URL */
#define LONGEST_WAIT_S 60		/* between two attempts */
#define REST_MS 10000			/* for the rest, at the end */
#define CURL_SECONDS "30"		/* for one attempt */

#define WAKE 'w'			/* to the sender: there is a profile */
#define END 'e'				/* there will be no more */

/* The parts of a heap profile, as Pyroscope wants to have them described. */
static const char types[] =
	"{\"alloc_objects\":{\"units\":\"objects\",\"aggregation\":\"sum\"},"
	"\"alloc_space\":{\"units\":\"bytes\",\"aggregation\":\"sum\"},"
	"\"inuse_objects\":{\"units\":\"objects\",\"aggregation\":\"average\"},"
	"\"inuse_space\":{\"units\":\"bytes\",\"aggregation\":\"average\"},"
	"\"objects\":{\"units\":\"objects\",\"aggregation\":\"sum\"},"
	"\"space\":{\"units\":\"bytes\",\"aggregation\":\"sum\"}}"
	";filename=sample_type_config.json;type=application/json";	/* curl's: the part is a file */

struct push {
	struct push_rules rules;
	struct queue queue;
	char *shown_url;		/* without a password */
	bool pyroscope;			/* rather than any other server */
	pid_t sender;
	int wake;			/* to the sender */
	FILE *file;			/* the profile being written, … */
	char *unfinished, *name;	/* … its file's name until it is complete, and then */
	size_t n_discarded;		/* because the queue was full */
};

/* ---------------------------------------------------------------- curl */

/* Adds `key = "value"` to a configuration of curl. */
static void put_setting(FILE *config, const char *key, const char *before, const char *value)
{
	fprintf(config, "%s = \"%s", key, before);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', config);
		fputc(*value, config);
	}
	fputs("\"\n", config);
}

static void put_url(FILE *config, const struct push *p, const char *file)
{
	unsigned long long from, until;
	int n = 0;

	if (!p->pyroscope || sscanf(file, "%llu-%llu-%n", &from, &until, &n) != 2 || n == 0) {
		put_setting(config, "url", "", p->rules.url);
		return;
	}
	/* Its unit is the second: a profile of less than one ends in the next. */
	char *url = xasprintf("%s%cname=%.*s&from=%llu&until=%llu&format=pprof&spyName=memrec", p->rules.url,
			      strchr(p->rules.url, '?') ? '&' : '?', (int)(strlen(file + n) - strlen(".pb.gz")),
			      file + n, from / 1000, (until + 999) / 1000);
	put_setting(config, "url", "", url);
	free(url);
}

/* The configuration goes through a descriptor: passwords in it do not show among the processes' arguments. */
static int configure(const struct push *p, const char *file)
{
	int fd = memfd_create("curl", 0);
	FILE *config = fd >= 0 ? fdopen(dup(fd), "w") : NULL;

	if (!config)
		die("cannot create a file in memory: %s", strerror(errno));
	fputs("silent\nshow-error\noutput = /dev/null\nwrite-out = \"%{http_code}\"\nmax-time = " CURL_SECONDS "\n",
	      config);
	put_url(config, p, file);
	for (size_t i = 0; i < p->rules.n_headers; i++)
		put_setting(config, "header", "", p->rules.headers[i]);
	if (p->pyroscope) {
		put_setting(config, "form", "profile=@", file);
		put_setting(config, "form", "sample_type_config=", types);
	} else {
		fputs("header = \"Content-Type: application/octet-stream\"\n", config);
		put_setting(config, "data-binary", "@", file);
	}
	fclose(config);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/*
 * Runs curl with an option and its value (NULL: none), `in` as its standard input, in `folder`. Gets its output,
 * errors included. Returns its exit status, 127: not found.
 */
static int run_curl(int in, int folder, const char *option, const char *value, char *text, size_t size)
{
	int out[2], status = 127 << 8;

	if (pipe2(out, O_CLOEXEC) < 0)
		die("cannot create a pipe: %s", strerror(errno));
	pid_t pid = fork();
	if (pid == 0) {
		if (fchdir(folder) < 0)
			_exit(127);
		dup2(in, 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execlp("curl", "curl", "-q", option, value, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	size_t n = 0;
	for (ssize_t got; n < size - 1 && (got = read(out[0], text + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = '\0';
	close(out[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* ---------------------------------------------------------------- the sender */

enum outcome { SENT, REFUSED, FAILED };

/* Gets the reason if it was not sent. */
static enum outcome send_profile(const struct push *p, const char *file, char *why, size_t size)
{
	char text[400];
	int config = configure(p, file), status = run_curl(config, p->queue.fd, "--config", "-", text, sizeof text);
	size_t n = strlen(text);
	int code = n >= 3 ? atoi(text + n - 3) : 0;

	close(config);
	if (code >= 200 && code < 300)
		return SENT;
	if (status == 0 || code) {
		snprintf(why, size, "the server answered with status %d", code);
		return code == 408 || code == 429 || code >= 500 || code < 300 ? FAILED : REFUSED;
	}
	if (faccessat(p->queue.fd, file, F_OK, 0) < 0)
		return SENT;		/* the queue was full: it has been discarded */
	text[strcspn(text, "\n")] = '\0';
	snprintf(why, size, "%s", *text ? text : "curl was killed");
	return FAILED;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What the sender knows of the command that writes the profiles. */
struct news {
	int fd;
	int64_t end_ms;			/* when to give up; 0: there will be more profiles */
};

/* Waits for news, at most until `until_ms` (-1: for ever). If the command has died, exits: its queue remains. */
static void listen_to(struct news *n, int64_t until_ms)
{
	int64_t left = until_ms < 0 ? -1 : until_ms - now_ms();
	struct pollfd ready = { .fd = n->fd, .events = POLLIN };
	char byte;

	if (left < 0 && until_ms >= 0)
		return;
	if (n->end_ms) {
		poll(NULL, 0, (int)left);
		return;
	}
	if (poll(&ready, 1, (int)left) <= 0)
		return;
	if (read(n->fd, &byte, 1) != 1)
		_exit(1);
	if (byte == END)
		n->end_ms = now_ms() + REST_MS;
}

/* Waits before the next attempt; a new profile does not make it earlier, the end does. Returns whether to try again. */
static bool pause_for(struct news *n, unsigned seconds)
{
	int64_t until = now_ms() + seconds * 1000;

	while (now_ms() < until && !n->end_ms)
		listen_to(n, until);
	if (!n->end_ms)
		return true;
	until = until < n->end_ms ? until : n->end_ms;
	while (now_ms() < until)
		listen_to(n, until);
	return now_ms() < n->end_ms;
}

/* Sends the queue until there will be no more profiles. Returns the exit status: 1 if one was not sent. */
static int send_all(const struct push *p, struct news *n)
{
	char file[NAME_MAX + 1], why[500];
	bool failing = false, refused = false;

	for (unsigned seconds = 1;;) {
		if (!queue_oldest(&p->queue, file)) {
			if (n->end_ms)
				return refused;
			listen_to(n, -1);
			continue;
		}
		enum outcome o = send_profile(p, file, why, sizeof why);
		if (o == FAILED) {
			if (!failing)
				warn("cannot send profiles to %s, will try again: %s", p->shown_url, why);
			failing = true;
			if (!pause_for(n, seconds))
				return 1;
			seconds = seconds * 2 < LONGEST_WAIT_S ? seconds * 2 : LONGEST_WAIT_S;
			continue;
		}
		if (o == REFUSED)
			warn("%s refused a profile, which is discarded: %s", p->shown_url, why);
		refused |= o == REFUSED;
		if (o == SENT && failing)
			warn("profiles are sent to %s again", p->shown_url);
		failing = false;
		seconds = 1;
		queue_remove(&p->queue, file);
	}
}

/* A terminal's Ctrl-C is for the command, which then ends the sender. */
static pid_t start(const struct push *p, int pipe[2])
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot create a process: %s", strerror(errno));
	if (pid > 0)
		return pid;
	struct news news = { .fd = pipe[0] };
	close(pipe[1]);
	setpgid(0, 0);
	signal(SIGINT, SIG_DFL);
	close(0);
	if (open("/dev/null", O_RDONLY) != 0)
		_exit(1);
	_exit(send_all(p, &news));
}

/* ---------------------------------------------------------------- the command's side */

/* Returns the URL without user and password; exits if it is no URL. */
static char *shown(const char *url)
{
	const char *host = strstr(url, "://");

	if (!host || host == url)
		usage_die("--push: '%s' is not a URL such as http://localhost:4040/ingest", url);
	for (const char *c = url; *c; c++)
		if (iscntrl((unsigned char)*c) || *c == ' ')
			usage_die("--push: the URL contains a space or a control character");
	host += 3;
	const char *at = memchr(host, '@', strcspn(host, "/?#"));
	return at ? xasprintf("%.*s%s", (int)(host - url), url, at + 1) : xstrdup(url);
}

static bool is_ingest(const char *url)
{
	size_t n = strcspn(url, "?#");

	return n >= strlen("/ingest") && strncmp(url + n - strlen("/ingest"), "/ingest", strlen("/ingest")) == 0;
}

struct push *push_begin(const struct push_rules *rules)
{
	struct push *p = xcalloc(1, sizeof *p);
	char text[100];
	int pipe[2];

	p->rules = *rules;
	p->shown_url = shown(rules->url);
	p->pyroscope = is_ingest(rules->url);
	for (size_t i = 0; i < rules->n_headers; i++)
		if (strpbrk(rules->headers[i], "\r\n"))
			usage_die("--header: '%s' is more than one line", rules->headers[i]);
	p->queue = queue_open(rules->queue);
	if (run_curl(0, p->queue.fd, "--version", NULL, text, sizeof text) != 0) {
		queue_close(&p->queue);
		die("cannot run curl, which sends the profiles: install it");
	}
	if (pipe2(pipe, O_CLOEXEC) < 0)
		die("cannot create a pipe: %s", strerror(errno));
	fflush(NULL);
	p->sender = start(p, pipe);
	close(pipe[0]);
	p->wake = pipe[1];
	fcntl(p->wake, F_SETFL, O_NONBLOCK);
	return p;
}

/* Returns a text as a part of a URL, cut if it is too long. */
static char *url_part(const char *text)
{
	char *part = xmalloc(LONGEST_NAME + 4), *to = part;

	for (; *text && to - part < LONGEST_NAME; text++) {
		unsigned char c = (unsigned char)*text;
		to += isalnum(c) || strchr("-._~", c) ? sprintf(to, "%c", c) : sprintf(to, "%%%02X", c);
	}
	*to = '\0';
	return part;
}

FILE *push_open(struct push *p, const char *name, uint64_t from_ms, uint64_t until_ms)
{
	unsigned long long from = from_ms, until = until_ms;
	char *part = url_part(name);

	p->name = xasprintf("%013llu-%013llu-%s.pb.gz", from, until, part);
	p->unfinished = xasprintf(".%s", p->name);
	int fd = openat(p->queue.fd, p->unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	p->file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!p->file)
		die("cannot create a profile in %s: %s", p->queue.path, strerror(errno));
	free(part);
	return p->file;
}

/* If the pipe is full, the sender has enough to read. */
static void wake(const struct push *p, char byte)
{
	ssize_t n = write(p->wake, &byte, 1);

	(void)n;
}

void push_close(struct push *p)
{
	if (fclose(p->file) != 0 || renameat(p->queue.fd, p->unfinished, p->queue.fd, p->name) < 0) {
		unlinkat(p->queue.fd, p->unfinished, 0);
		die("cannot write a profile to %s: %s", p->queue.path, strerror(errno));
	}
	size_t discarded = queue_limit(&p->queue, p->rules.most_bytes);
	if (discarded && !p->n_discarded)
		warn("the queue %s is full: its oldest profiles are discarded", p->queue.path);
	p->n_discarded += discarded;
	wake(p, WAKE);
	free(p->name);
	free(p->unfinished);
}

bool push_end(struct push *p)
{
	int status = 1;

	fcntl(p->wake, F_SETFL, 0);
	signal(SIGPIPE, SIG_IGN);
	wake(p, END);
	while (waitpid(p->sender, &status, 0) < 0 && errno == EINTR)
		;
	close(p->wake);
	size_t left = queue_count(&p->queue);
	if (left)
		warn("%zu profile%s not sent to %s: --queue %s sends %s with the next ones", left,
		     left == 1 ? " was" : "s were", p->shown_url, p->queue.path, left == 1 ? "it" : "them");
	if (p->n_discarded)
		warn("%zu profiles were discarded because the queue was full: see --queue-size", p->n_discarded);
	bool all = status == 0 && left == 0 && p->n_discarded == 0;
	queue_close(&p->queue);
	free(p->shown_url);
	free(p);
	return all;
}
