/*
 * native.c - the calling thread's stack of C functions
 *
 * Most stacks are the same as the one before. Each thread keeps its last walk, oldest frame
 * first. Unwinding (cfi.h) goes from the newest frame outwards until a frame is in
 * the same state (pc, sp, fp) as in the last walk. All older frames are
 * determined by that state and by the words that unwinding read then: the
 * return addresses, and saved frame pointers where an older frame is
 * found by its frame pointer (few are: most functions use that register like any
 * other). These words are read again; if none has changed, neither has the rest
 * of the stack, by induction. Frames that needed more than
 * those words are unwound again. From a frame that changed, unwinding continues
 * until an older frame is unchanged. A proof of pystack.c (proofs.h) spares most of this on deep stacks: a
 * Python frame that is the same activation as in the last capture still runs in the same evaluator's
 * frame, which has not returned since, so no older frame has changed. Deep recursion in C alone is
 * bounded by time: see FRAMES_PER_NS.
 *
 * Three caches:
 *   unwinds   one step each: a frame's caller, valid while its return address is unchanged
 *   walks     whole walks from the hook to an unchanged frame, for the few stacks of a loop, valid
 *             while every return address on them is unchanged (walking took 14.4 % of the time without, 1.9 % with it)
 *   paths     the node numbers of a few frames on top of a node
 *
 * Then Python: each evaluator among the frames gets the number of Python frames
 * it runs (evaluators.c). A node is a frame with that number. A pair of
 * such a stack and a Python stack is also a node, which the collector
 * merges once into one stack.
 */
#include "native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evaluators.h"
#include "hooks/got.h"
#include "loaded.h"
#include "memory.h"
#include "modules.h"
#include "native_thread.h"
#include "native_walk.h"
#include "nodes.h"
#include "python/pystack.h"
#include "ring.h"
#include "thread_states.h"
#include "wire.h"

#define FIRST_FRAMES 256u
#define NEW_AT_ONCE 32u	/* nodes added while the lock is taken once */

bool native_on;
static struct thread_states threads;
static __thread struct native_thread *self STATIC_TLS;
static uint32_t flushes = 1;		/* of rules: incremented when any code is unloaded */

#ifdef NATIVE_VERIFY
bool native_no_flush;
bool native_blind;
#endif

/* ---------------------------------------------------------------- a thread's state */

static COLD struct native_thread *thread_begin(void)
{
	struct native_thread *t = (struct native_thread *)thread_states_take(&threads);
	if (!t) {
		t = pages_new(sizeof *t);
		if (!t)
			return NULL;
		t->frames = pages_new(FIRST_FRAMES * sizeof *t->frames);
		t->fresh = pages_new(FIRST_FRAMES * sizeof *t->fresh);
		t->capacity = t->fresh_capacity = FIRST_FRAMES;
		if (!t->frames || !t->fresh) {
			pages_free(t->frames, FIRST_FRAMES * sizeof *t->frames);
			pages_free(t->fresh, FIRST_FRAMES * sizeof *t->fresh);
			pages_free(t, sizeof *t);
			return NULL;
		}
		thread_states_add(&threads, &t->state);
	}
	t->generation = t->flushes = 0;		/* differ from the current ones, so all is reset */
	self = t;
	return t;
}

/* ---------------------------------------------------------------- evaluators */

static COLD bool known_grow(struct native_thread *t, uint32_t n)
{
	while (t->known_capacity < n) {
		struct evaluator *p = pages_grow(t->known, &t->known_capacity, t->n_known, sizeof *p);
		if (!p)
			return false;
		t->known = p;
	}
	return true;
}

/* Returns whether frame i's part of the stack contains this address. */
static inline bool frame_holds(const struct native_thread *t, uint32_t i, uintptr_t at)
{
	return at >= t->frames[i].sp && (i == 0 || at < t->frames[i - 1].sp);
}

/*
 * Sets same_frame (see find_same()) for 3.8 and 3.9, whose interpreter's loop runs one Python frame at a time: if the
 * last capture had as many frames of the loop as Python frames, they correspond. The proof would hold for two newer
 * frames of the loop too; they make up for one that has not linked its Python frame yet, in a stack with one that was
 * not recognised (in a part that the compiler has moved elsewhere).
 */
#define SPARE_LOOPS 2u

static COLD void find_same_loop(struct native_thread *t)
{
	if (t->n_current != t->n || t->now.proven <= SPARE_LOOPS)
		return;
	find_loops(t, t->n - 1);
	if (t->n_loops != t->now.levels_before)
		return;
	uint32_t n = t->now.proven - SPARE_LOOPS;
	while (n > 0 && !saves_fp(t, t->loops[n - 1]))
		n--;
	t->same_frame = n ? t->loops[n - 1] : 0;
}

/*
 * Sets n_kept: so many of the oldest known evaluators are as in the last capture, except that the last may run other
 * frames; n_same: so many are the same calls; and same_frame: the frame of the newest of those. No frame older than
 * that has returned since, and none of the words that determine it is in a newer frame. 0: no proof.
 */
static inline void find_same(struct native_thread *t, bool python)
{
	const struct evaluators *now = &t->now;
	t->n_kept = t->n_same = t->same_frame = 0;
	t->away_ns = 0;
	t->same_stack = false;
	if (!python)
		return;
	evaluators_read(&t->now);
	t->same_stack = now->proven > 0 && t->capture + 1 == now->capture;
	if (UNLIKELY(now->n == 0 && t->same_stack && t->n > DEEP))
		find_same_loop(t);
	uint32_t n = now->kept;
	if (LIKELY(n == 0) || t->capture + 1 != now->capture || n > t->n_known ||
	    t->known[n - 1].at != now->e[n - 1].at)
		return;
	while (n > 0 && t->known[n - 1].frame >= t->n_current)
		n--;
	if (n == 0 || t->known[n - 1].at != now->e[n - 1].at)
		return;
	t->n_kept = n;
	if (n > now->same)
		return;
	while (n > 0 && !saves_fp(t, t->known[n - 1].frame))
		n--;
	t->n_same = n;
	t->same_frame = n ? t->known[n - 1].frame : 0;
}

/*
 * Sets `runs` of the frames that are evaluators. The first `kept` frames
 * have it from the last walk. Returns how many of those,
 * from the oldest, are unchanged.
 */
static inline uint32_t mark_evaluators(struct native_thread *t, uint32_t kept, bool python)
{
	/* The last of those kept may run other frames than before. */
	uint32_t same = t->n_kept ? t->n_kept - 1 : 0, changed = kept;
	while (same > 0 && t->known[same - 1].frame >= kept)
		same--;
	uint32_t n = python ? t->now.n : 0;
	const struct evaluator *now = t->now.e;
	while (same < n && same < t->n_known && t->known[same].at == now[same].at &&
	       t->known[same].frames == now[same].frames && t->known[same].frame < kept)
		same++;
	for (uint32_t i = t->n_known; i-- > same;)	/* gone, or running other frames; oldest last */
		if (t->known[i].frame < kept) {
			changed = t->known[i].frame;
			t->frames[changed].runs = 0;
		}
	if (UNLIKELY(n > t->known_capacity) && !known_grow(t, n)) {
		t->n_known = 0;
		return 0;
	}
	uint32_t at = same ? t->known[same - 1].frame + 1 : 0;
	t->n_known = same;
	for (uint32_t i = same; i < n; i++) {
		const struct evaluator *e = &now[i];
		uint32_t k = at;
		while (k < t->n && !frame_holds(t, k, e->at))
			k++;
		if (k == t->n) /* beyond the frames that could be unwound: the collector puts its frames outermost */
			continue;
		t->frames[k].runs = WIRE_RUNS(e->frames);
		if (k < changed)
			changed = k;
		t->known[t->n_known++] = (struct evaluator){ e->at, e->frames, k };
		at = k + 1;
	}
	return changed;
}

/* Returns whether evaluators are unchanged: up to the base since the last walk, above it since the cached walk. */
static inline bool evaluators_stand(struct native_thread *t, const struct cached_walk *walked, bool python)
{
	uint32_t n = python ? t->now.n : 0, known = evaluators_to(t, walked->base), different = 0;
	if (n != known + walked->n_evaluators)
		return false;
	for (uint32_t i = t->n_kept == 0 ? 0 : t->n_kept <= known ? t->n_kept - 1 : known; i < n; i++) {
		const struct evaluator *was = i < known ? &t->known[i] : &walked->evaluator[i - known],
				       *is = &t->now.e[i];
		different |= (was->at != is->at) | (was->frames ^ is->frames);
	}
	return different == 0;
}

/* ---------------------------------------------------------------- numbers */

static inline struct known_node *step_place(struct native_thread *t, uint32_t parent, uint64_t what)
{
	uint64_t h = (what ^ (uint64_t)parent << 20) * 0x9E3779B97F4A7C15u;
	return &t->steps[h >> (64 - LOG2_STEPS)];
}

/* Returns the number of a node, or 0 if it has none yet. */
static inline uint32_t known_node(struct native_thread *t, uint32_t parent, uint64_t what)
{
	struct known_node *step = step_place(t, parent, what);
	if (LIKELY(step->what == what && step->parent == parent && step->node != 0))
		return step->node;
	uint32_t node = node_known(parent, what);
	if (node)
		*step = (struct known_node){ what, parent, node };
	return node;
}

static inline uint64_t frame_what(const struct frame *f)
{
	return f->pc | (uint64_t)f->runs << 48;
}

/* Adds nodes for the frames from `first`, the first of which is new under `node`. False: no memory. */
static COLD bool name_new(struct native_thread *t, uint32_t first, uint32_t node)
{
	uint64_t what[NEW_AT_ONCE];
	uint32_t id[NEW_AT_ONCE];
	for (uint32_t i = first, end = first; i < t->n;) {
		uint32_t n = 0, k = 0;
		for (; end < t->n && n < NEW_AT_ONCE; end++) {
			const struct frame *f = &t->frames[end];
			if (is_own(f->pc))
				continue;
			module_of(f->pc);
			what[n++] = frame_what(f);
		}
		uint32_t added = node_add_chain(WIRE_NATIVE, node, what, n, id);
		for (; i < end; i++) {
			if (!is_own(t->frames[i].pc)) {
				if (UNLIKELY(k == added)) {
					t->n = i;
					return false;
				}
				*step_place(t, node, what[k]) = (struct known_node){ what[k], node, id[k] };
				node = id[k++];
			}
			t->frames[i].node = node;
		}
	}
	return true;
}

/* Sets the nodes of the frames from `changed`, whose parent is `node`. False: no memory. */
static bool name_each(struct native_thread *t, uint32_t changed, uint32_t node)
{
	for (uint32_t i = changed; i < t->n; i++) {
		struct frame *f = &t->frames[i];
		if (LIKELY(!is_own(f->pc))) {	/* frames of the agent itself (when a code object dies) are hidden */
			uint32_t known = known_node(t, node, frame_what(f));
			if (UNLIKELY(known == 0))
				return name_new(t, i, node);
			node = known;
		}
		f->node = node;
	}
	return true;
}

/* Returns the path of the frames from `first`, or the entry where it belongs if not *found. */
static inline struct node_path *find_path(struct native_thread *t, uint32_t from, uint32_t first, bool *found)
{
	uint32_t n = t->n - first;
	uint64_t what[PATH_MOST], h = from, different = 0;
	for (uint32_t i = 0; i < n; i++) {
		what[i] = frame_what(&t->frames[first + i]);
		h += what[i] << i;
	}
	struct node_path *p = &t->paths[h * 0x9E3779B97F4A7C15u >> (64 - LOG2_PATHS)];
	*found = p->from == from && p->n == n;
	for (uint32_t i = 0; i < n; i++)
		different |= p->what[i] ^ what[i];
	*found &= different == 0;
	if (UNLIKELY(!*found)) {
		memcpy(p->what, what, n * sizeof *what);
		p->from = from;
		p->n = p->python = 0;
	}
	return p;
}

/* Like name_each(), but looks up a few frames by their path. */
static inline bool name_frames(struct native_thread *t, uint32_t changed)
{
	uint32_t from = changed ? t->frames[changed - 1].node : nodes_native_root(t->generation), n = t->n - changed;
	bool found;
	t->path = NULL;
	if (n == 0 || n > PATH_MOST)
		return name_each(t, changed, from);
	struct node_path *p = find_path(t, from, changed, &found);
	if (LIKELY(found)) {
		for (uint32_t i = 0; i < n; i++)
			t->frames[changed + i].node = p->node[i];
	} else {
		if (!name_each(t, changed, from))
			return false;
		for (uint32_t i = 0; i < n; i++)
			p->node[i] = t->frames[changed + i].node;
		p->n = n;
	}
	t->path = p;
	return true;
}

static inline uint32_t pair_of(struct native_thread *t, uint32_t native, uint32_t python)
{
	struct node_path *p = t->path;
	if (LIKELY(p && p->python == python))
		return p->pair;
	uint64_t what = python | 1ull << 63;
	uint32_t pair = known_node(t, native, what);
	if (UNLIKELY(pair == 0)) {
		pair = node_add(WIRE_HYBRID, native, what);
		if (UNLIKELY(pair == NODE_NONE))
			return python;
		*step_place(t, native, what) = (struct known_node){ what, native, pair };
	}
	if (p) {
		p->python = python;
		p->pair = pair;
	}
	return pair;
}

/* Clears the caches that were filled by rules, as the rules have been discarded. */
static COLD void forget_cached(struct native_thread *t)
{
	memset(t->unwinds, 0, sizeof t->unwinds);
	memset(t->walks, 0, sizeof t->walks);
	t->flushes = __atomic_load_n(&flushes, __ATOMIC_ACQUIRE);
	t->n = t->n_known = 0;
}

static void thread_reset(struct native_thread *t)
{
	t->now.capture = 0;
	t->n = t->n_known = t->n_kept = t->n_same = t->same_frame = 0;
	memset(t->steps, 0, sizeof t->steps);
	memset(t->paths, 0, sizeof t->paths);
	memset(t->walks, 0, sizeof t->walks);
	t->generation = nodes_generation();
}

/* Captures by walking; stores the walk in `cached`. */
static uint32_t capture_walking(struct native_thread *t, const struct cfi_frame *begin, struct cached_walk *cached,
				uint32_t python)
{
	bool keep;
	int64_t unchanged = walk(t, *begin, &keep);
	uint32_t kept = (uint32_t)(unchanged + 1);
	if (UNLIKELY(unchanged == FAILED) || UNLIKELY(!put_fresh(t, kept))) {
		thread_reset(t);
		return python;
	}
	uint32_t changed = mark_evaluators(t, kept, python != NODE_ROOT);
	bool named = name_frames(t, changed);
	uint32_t native = named && t->n ? t->frames[t->n - 1].node : 0;
	if (UNLIKELY(!keep))
		t->unkept = true;
	t->n_current = t->n;
	t->capture = t->now.capture;
	if (UNLIKELY(native == 0 || (int32_t)native < 0))
		return python;
	uint32_t node = python == NODE_ROOT ? native : pair_of(t, native, python);
	if (unchanged >= 0 && keep)
		walk_store(t, cached, (uint32_t)unchanged, evaluators_to(t, (uint32_t)unchanged), python, node);
	return node;
}

#ifdef NATIVE_VERIFY
/* Every third hit of the walk cache is checked by walking (not all, as a walk renews what the next hit relies on). */
static void check_cached_walk(struct native_thread *t, const struct cfi_frame *begin, struct cached_walk *cached,
			      uint32_t python)
{
	static const char text[] = "a cached walk led elsewhere";
	static __thread uint32_t count;
	uint32_t node = cached->node;
	t->hit = cached;
	if (++count % 3 != 0)
		return;
	t->hit = NULL;
	if (capture_walking(t, begin, cached, python) != node)
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
}
#endif

static inline uint32_t python_node(void)
{
	uint32_t node = pystack_capture();
	return node == WIRE_NO_FRAME ? NODE_ROOT : node;
}

static inline uint32_t capture(struct native_thread *t, const struct cfi_frame *begin)
{
	if (UNLIKELY(t->generation != nodes_generation()))
		thread_reset(t);
	uint32_t python = python_node();
	if (UNLIKELY(t->flushes != __atomic_load_n(&flushes, __ATOMIC_ACQUIRE)))
		forget_cached(t);
	if (UNLIKELY(t->unkept))
		t->n = t->n_known = 0;
	t->unkept = false;
	find_same(t, python != NODE_ROOT);
	struct cached_walk *cached = walk_slot(t, begin, python);
	if (LIKELY(walk_holds(t, cached, begin, python)) && LIKELY(evaluators_stand(t, cached, python != NODE_ROOT))) {
		uint32_t node = cached->node;
		t->n_current = cached->base + 1;
		t->capture = t->now.capture;
#ifdef NATIVE_VERIFY
		check_cached_walk(t, begin, cached, python);
#endif
		return node;
	}
#ifdef NATIVE_VERIFY
	t->hit = NULL;
#endif
	return capture_walking(t, begin, cached, python);
}

/* A new generation has begun during the capture. */
static COLD uint32_t capture_again(struct native_thread *t, const struct cfi_frame *begin)
{
	for (int i = 0; i < NODES_TRIES; i++) {
		uint32_t epoch = nodes_epoch(), node = capture(t, begin);
		if (nodes_same_generation(t->generation))
			return node;
		if (!nodes_same_epoch(epoch))
			nodes_allow_more();
	}
	return NODE_ROOT;
}

uint32_t native_capture(const struct cfi_frame *begin)
{
	int saved = errno;
	struct native_thread *t = self;
	if (UNLIKELY(!t) && !(t = thread_begin()))
		return python_node();
	uint32_t node = capture(t, begin);
	if (UNLIKELY(!nodes_same_generation(t->generation)))
		node = capture_again(t, begin);
	t->left_ns = UNLIKELY(t->n_current > t->same_frame + DEEP) ? clock_ns() : 0;
	errno = saved;
	return node;
}

#ifdef NATIVE_VERIFY
uint32_t native_frames(uintptr_t *pc, uint32_t n)
{
	uint32_t k = 0, i = self->n;
	if (self->hit) {
		for (uint32_t j = 0; j < self->hit->n - 1; j++) {
			uintptr_t at = self->hit->address[j].word - CFI_CALL_BYTES;
			if (!is_own(at) && k < n)
				pc[k++] = at;
		}
		i = self->hit->base + 1;
	}
	for (; i > 0 && k < n; i--)
		pc[k++] = self->frames[i - 1].pc;
	return k;
}
#endif

/* ---------------------------------------------------------------- unloaded code */

uint32_t native_closes;
static int (*real_dlclose)(void *);

/*
 * Hooked even without --native, as python/ and libraries.c depend on it too: any address may now belong to another
 * function. Rules are discarded after the unloading; numbers given to addresses too, if
 * one of the reported objects is gone.
 */
HOOK int dlclose(void *handle)
{
	if (UNLIKELY(!real_dlclose))
		*(void **)&real_dlclose = got_real("dlclose");
	if (UNLIKELY(!real_dlclose))
		return -1;
	pystack_opening();
	int r = real_dlclose(handle);
	__atomic_add_fetch(&native_closes, 1, __ATOMIC_ACQ_REL);
	if (!native_on)
		return r;
#ifdef NATIVE_VERIFY
	if (native_no_flush)
		return r;
#endif
	int saved = errno;
	cfi_flush();
	__atomic_add_fetch(&flushes, 1, __ATOMIC_RELEASE);
	if (modules_unloaded())
		nodes_unloaded();
	errno = saved;
	return r;
}

void native_init(void)
{
	struct loaded own;
#ifdef NATIVE_VERIFY
	native_blind = getenv("NATIVE_BLIND") != NULL;
#endif
	if (!loaded_known() || !loaded_at((uintptr_t)__builtin_return_address(0), &own)) {
		static const char text[] = "the C library is older than 2.35: recording without native stacks";
		ring_message(WIRE_WARN, 0, &(struct piece){ text, sizeof text - 1 }, 1);
		return;
	}
	own_start = own.start;
	own_end = own.end;
	clock_find();
	native_on = true;
}

void native_forked(void)
{
	loaded_forked();
	modules_forked();
	thread_states_forked(&threads, self ? &self->state : NULL);
	if (self)
		thread_reset(self);
}

void native_restarted(void)
{
	cfi_flush();
	modules_forked();
}
