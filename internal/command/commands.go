package command

import "slices"

// commands is every command there is.
func commands() []*Spec {
	with := func(s Spec, run func(ctxT, *Call) error) *Spec {
		s.Run = run
		return &s
	}
	return slices.Concat(
		[]*Spec{
			with(find, runFind), with(aggregate, runAggregate), with(count, runCount), with(distinct, runDistinct), with(explain, runExplain),
			with(insert, runInsert), with(update, runUpdate), with(remove, runDelete),
			with(findAndModify, runFindAndModify), with(bulkWrite, runBulkWrite),
		},
		cursorCommands(), txnCommands(), sessionCommands(),
		ddlCommands(), indexCommands(), listCommands(),
		helloCommands(), infoCommands(), replSetCommands(), adminCommands(),
	)
}
