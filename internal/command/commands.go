package command

import "slices"

// commands is every command there is.
func commands() []*Spec {
	with := func(s Spec, run func(ctxT, *Call) error) *Spec {
		s.Run = run
		return &s
	}
	checked := func(s *Spec, check func(*Call) error) *Spec {
		s.Check = check
		return s
	}
	return slices.Concat(
		[]*Spec{
			with(find, runFind), checked(with(aggregate, runAggregate), checkAggregate), with(count, runCount), with(distinct, runDistinct), with(explain, runExplain),
			checked(with(insert, runInsert), checkBatch("documents")),
			checked(with(update, runUpdate), checkUpdate),
			checked(with(remove, runDelete), checkDelete),
			with(findAndModify, runFindAndModify),
			checked(with(bulkWrite, runBulkWrite), checkBatch("ops")),
		},
		cursorCommands(), txnCommands(), sessionCommands(),
		ddlCommands(), indexCommands(), listCommands(),
		helloCommands(), infoCommands(), authCommands(), replSetCommands(), adminCommands(),
	)
}
