package simulator

import (
	"crypto/sha256"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// What a simulator remembers of the tokens it issued is bounded.
const (
	// maxTokens is how many access tokens are known at a time, about 7 MB. The
	// one issued first makes room.
	maxTokens = 50_000
	// An expired token is told from an unknown one for as long as it lived,
	// but for rememberedAtLeast.
	rememberedAtLeast = 24 * time.Hour
)

// tokens are the access tokens that a simulator knows, by their hash: a JWT
// of a thousand bytes becomes 16. It is safe for concurrent use.
type tokens struct {
	mu     sync.Mutex
	grants map[tokenHash]grant
	order  []issuedToken // the oldest first; revoked ones are still in it
	serial uint64
	scopes []string // of the latest grant: most are for the same
}

type tokenHash [16]byte

// A grant is what an access token stands for.
type grant struct {
	scopes  []string
	expires instant
	serial  uint64 // of its latest issuedToken
}

type issuedToken struct {
	hash   tokenHash
	forget instant
	serial uint64
}

// An instant is microseconds since 1970, or never: there are many, and a
// time.Time is three times as large.
type instant int64

const never instant = math.MaxInt64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return never
	}
	return instant(t.UnixMicro())
}

func (i instant) hasCome(now time.Time) bool { return i != never && now.UnixMicro() >= int64(i) }

func hashOf(token string) tokenHash {
	sum := sha256.Sum256([]byte(token))
	return tokenHash(sum[:len(tokenHash{})])
}

// add makes token known and drops what has been remembered for long enough.
// Tokens of one provider live equally long: the oldest is the first to go.
func (t *tokens) add(token string, scopes []string, now, expires time.Time) {
	hash := hashOf(token)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grants == nil {
		t.grants = map[tokenHash]grant{}
	}
	if !slices.Equal(scopes, t.scopes) {
		t.scopes = nil
		for _, s := range scopes {
			t.scopes = append(t.scopes, strings.Clone(s)) // s is a piece of a whole request
		}
	}
	t.serial++
	t.grants[hash] = grant{t.scopes, instantOf(expires), t.serial}
	issued := issuedToken{hash, never, t.serial}
	if !expires.IsZero() {
		issued.forget = instantOf(expires.Add(max(expires.Sub(now), rememberedAtLeast)))
	}
	t.order = append(t.order, issued)
	for len(t.order) > maxTokens || len(t.order) > 0 && t.order[0].forget.hasCome(now) {
		oldest := t.order[0]
		t.order = t.order[1:]
		if t.grants[oldest.hash].serial == oldest.serial {
			delete(t.grants, oldest.hash)
		}
	}
}

func (t *tokens) find(token string) (grant, bool) {
	hash := hashOf(token)
	t.mu.Lock()
	defer t.mu.Unlock()
	g, known := t.grants[hash]
	return g, known
}

func (t *tokens) remove(token string) bool {
	hash := hashOf(token)
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.grants[hash]
	delete(t.grants, hash)
	return known
}

func (t *tokens) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.grants, t.order, t.scopes = nil, nil, nil
}
