package command

import (
	"github.com/pandodb/pando/internal/exec"
	"github.com/pandodb/pando/internal/session"
)

// examined notes what a query has looked at, before it is closed. before is what
// it had looked at in earlier batches, and is brought up to date; it may be nil.
func (c *Call) examined(src session.Source, before *session.Spent) {
	op, ok := src.(exec.Operator)
	if !ok {
		return
	}
	c.plan = exec.PlanOf(op)
	n := exec.Count(op)
	if before != nil {
		if n.KeysExamined < before.KeysExamined || n.DocsExamined < before.DocsExamined {
			*before = session.Spent{} // a cursor that was parked begins to count anew.
		}
		c.spent.KeysExamined -= before.KeysExamined
		c.spent.DocsExamined -= before.DocsExamined
		before.KeysExamined, before.DocsExamined = n.KeysExamined, n.DocsExamined
	}
	c.spent.KeysExamined += n.KeysExamined
	c.spent.DocsExamined += n.DocsExamined
}

// conflicted notes that the command met another's write.
func (c *Call) conflicted() {
	c.D.metrics.writeConflicts.Add(1)
	c.spent.Conflicts++
}
