package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Kind is what an operation does.
type Kind string

// The kinds. A key is used either with Append or with the other two writes.
const (
	Read   Kind = "read"
	Append Kind = "append" // adds Value at the end of a list.
	Write  Kind = "write"  // sets a register to Value and adds one to its counter.
	Inc    Kind = "inc"    // adds one to a counter.
)

// Op is one operation on one key.
type Op struct {
	Kind Kind   `json:"f"`
	Key  string `json:"k"`

	// Value is what Append and Write write, once in a key's life, and what a Read
	// of a register shows; 0 is none.
	Value int64 `json:"v,omitempty"`

	// List is what a Read of a list shows.
	List []int64 `json:"list,omitempty"`

	// N is the number of writes to the key that a Read of a register or counter
	// shows. With Inc and Write it is the same after them, or 0 if it was not told.
	N int64 `json:"n,omitempty"`

	// Money is what a Read of a bank's account shows besides.
	Money int64 `json:"money,omitempty"`
}

// Outcome is how a transaction ended, as far as its client knows.
type Outcome string

// The outcomes. A transaction whose commit was never sent is aborted.
const (
	Committed Outcome = "committed"
	Aborted   Outcome = "aborted"
	Unknown   Outcome = "unknown"
)

// Level is an isolation level.
type Level string

// The levels, both with real-time order.
const (
	Snapshot     Level = "snapshot"
	Serializable Level = "serializable"
)

// Txn is one attempt at a transaction. Writes stand in Ops as they were sent,
// answered or not; reads only if they were answered.
type Txn struct {
	ID      int     `json:"id"`
	Session int     `json:"session"`
	Outcome Outcome `json:"outcome"`
	Level   Level   `json:"level,omitempty"` // empty is the history's.

	// Places in the one order of all that the clients did; 0 is not known.
	Begin  int64 `json:"begin,omitempty"`  // before the first statement is sent.
	First  int64 `json:"first,omitempty"`  // after its answer.
	Commit int64 `json:"commit,omitempty"` // before the commit is sent.
	End    int64 `json:"end,omitempty"`    // after its answer, if that is known to be a success.

	Ops []Op `json:"ops"`
}

// Encode writes a history, a transaction a line.
func Encode(w io.Writer, txns []Txn) error {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	for i := range txns {
		if err := enc.Encode(&txns[i]); err != nil {
			return err
		}
	}
	return buf.Flush()
}

// Decode reads what Encode wrote.
func Decode(r io.Reader) (txns []Txn, err error) {
	dec := json.NewDecoder(bufio.NewReader(r))
	dec.DisallowUnknownFields()
	for {
		var t Txn
		if err := dec.Decode(&t); err == io.EOF {
			return txns, nil
		} else if err != nil {
			return nil, fmt.Errorf("transaction %d of the history: %w", len(txns)+1, err)
		}
		txns = append(txns, t)
	}
}
