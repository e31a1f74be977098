// Package env is the world that a test may replace: the clock and the dice.
//
// Nothing outside this package reads the wall clock or draws a random number,
// so a test that owns an Env owns time and chance. Code that only waits may use
// context deadlines; tests run it in a testing/synctest bubble.
package env

import (
	crand "crypto/rand"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"time"
)

// Env is a clock and dice. It is safe for concurrent use.
type Env struct {
	now func() time.Time

	mu   sync.Mutex // guards dice; a leaf.
	dice *rand.Rand
}

// System is the machine's own clock, and dice that nobody can foretell.
func System() *Env {
	var seed [32]byte
	crand.Read(seed[:]) // never fails since Go 1.24.
	return &Env{now: time.Now, dice: rand.New(rand.NewChaCha8(seed))}
}

// Seeded has the machine's clock and dice that repeat for one seed.
func Seeded(seed uint64) *Env {
	return &Env{now: time.Now, dice: rand.New(rand.NewPCG(seed, 0))}
}

// WithClock returns an Env with e's dice sequence started anew and another clock.
func (e *Env) WithClock(now func() time.Time) *Env {
	return &Env{now: now, dice: rand.New(rand.NewPCG(e.Uint64(), e.Uint64()))}
}

// Now is the present.
func (e *Env) Now() time.Time { return e.now() }

// Since is the time passed since t.
func (e *Env) Since(t time.Time) time.Duration { return e.now().Sub(t) }

// Uint64 throws the dice.
func (e *Env) Uint64() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dice.Uint64()
}

// Float64 throws the dice for a number in [0, 1).
func (e *Env) Float64() float64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.dice.Float64()
}

// UUID returns a version 4 UUID.
func (e *Env) UUID() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], e.Uint64())
	binary.BigEndian.PutUint64(id[8:], e.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ObjectID returns an ObjectId: the seconds of now and eight random bytes.
func (e *Env) ObjectID() (id [12]byte) {
	binary.BigEndian.PutUint32(id[:], uint32(e.Now().Unix()))
	binary.BigEndian.PutUint64(id[4:], e.Uint64())
	return id
}
