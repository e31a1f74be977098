package kvtest

import (
	"bytes"
	"context"

	"github.com/pandodb/pando/internal/kv"
)

var readCases = []testCase{
	{"nothing is there", func(h *house) {
		tx := h.begin("")
		tx.want("a")
		tx.wantBoth(kv.Range{})
	}},
	{"own writes are read", func(h *house) {
		h.put("a=1", "b=1", "c=1")
		tx := h.begin("")
		tx.put("a=2", "b", "d=2")
		tx.want("a=2", "b", "c=1", "d=2")
		tx.put("b=3", "d")
		tx.want("b=3", "d")
	}},
	{"others' writes are not, until they commit and one begins anew", func(h *house) {
		h.put("a=1")
		old, writer := h.begin(""), h.begin("")
		writer.put("a=2", "b=2")
		h.begin("").want("a=1", "b")
		writer.commit()
		old.want("a=1", "b")
		h.begin("").want("a=2", "b=2")
	}},
	{"get appends, and the bytes are the caller's", func(h *house) {
		h.put("a=value", "b=other")
		tx := h.begin("")
		got, err := tx.Get(h.ctx, []byte("a"), []byte("x:"))
		noErr(h, err)
		if string(got) != "x:value" {
			h.Fatalf("got %q", got)
		}
		clear(got)
		tx.want("a=value")
		got, err = tx.Get(h.ctx, []byte("nothing"), []byte("x:"))
		wantErr(h, err, kv.ErrNotFound)
		if string(got) != "x:" {
			h.Fatalf("a missing key left %q", got)
		}
	}},
	{"keys and values passed in are copied", func(h *house) {
		tx := h.begin("")
		k, v := []byte("k"), []byte("v")
		noErr(h, tx.Lock(h.ctx, kv.How{}, k))
		noErr(h, tx.Set(k, v))
		k[0], v[0] = 'x', 'x'
		tx.want("k=v", "x")
		tx.commit()
		h.begin("").want("k=v", "x")
	}},
	{"keys of every byte", func(h *house) {
		for _, k := range []string{"\x00", "\x00\x00", "\x01", "\xfe", "\xff", "\xff\xff"} {
			h.put(k + "=v")
		}
		h.begin("").wantBoth(kv.Range{}, "\x00=v", "\x00\x00=v", "\x01=v", "\xfe=v", "\xff=v", "\xff\xff=v")
	}},
	{"long keys and values", func(h *house) {
		long := bytes.Repeat([]byte("k"), kv.KeyBytesMax)
		value := bytes.Repeat([]byte("v"), 17<<20)
		tx := h.begin("")
		noErr(h, tx.Lock(h.ctx, kv.How{}, long))
		noErr(h, tx.Set(long, value))
		tx.commit()
		got, err := h.begin("").Get(h.ctx, long, nil)
		noErr(h, err)
		if !bytes.Equal(got, value) {
			h.Fatalf("got %d bytes", len(got))
		}
	}},
	{"too long keys and values are refused", func(h *house) {
		tx := h.begin("")
		long := make([]byte, kv.KeyBytesMax+1)
		wantErr(h, tx.Set(long, []byte("v")), kv.ErrTooLarge)
		wantErr(h, tx.Delete(long), kv.ErrTooLarge)
		wantErr(h, tx.Lock(h.ctx, kv.How{}, long), kv.ErrTooLarge)
		wantErr(h, tx.Set([]byte("k"), make([]byte, h.Caps().ValueBytesMax+1)), kv.ErrTooLarge)
	}},
	{"after the end nothing works", func(h *house) {
		for _, end := range []func(tx txn){
			func(tx txn) { tx.commit() },
			func(tx txn) { tx.Rollback() },
		} {
			tx := h.begin("")
			end(tx)
			_, err := tx.Get(h.ctx, []byte("a"), nil)
			wantErr(h, err, kv.ErrClosed)
			_, err = tx.Scan(h.ctx, kv.Range{})
			wantErr(h, err, kv.ErrClosed)
			wantErr(h, tx.Set([]byte("a"), []byte("v")), kv.ErrClosed)
			wantErr(h, tx.Delete([]byte("a")), kv.ErrClosed)
			wantErr(h, tx.Add([]byte("n"), 1), kv.ErrClosed)
			wantErr(h, tx.Check([]byte("a")), kv.ErrClosed)
			wantErr(h, tx.tryLock(kv.How{}, "a"), kv.ErrClosed)
			wantErr(h, tx.Refresh(h.ctx), kv.ErrClosed)
			_, err = tx.Commit(h.ctx)
			wantErr(h, err, kv.ErrClosed)
			tx.Rollback()
		}
	}},
	{"begin minds its context", func(h *house) {
		ctx, cancel := context.WithCancel(h.ctx)
		cancel()
		_, err := h.Begin(ctx, kv.Options{})
		wantErr(h, err, context.Canceled)
	}},
}
