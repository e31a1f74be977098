package command

import (
	"context"
	"slices"
)

// commands is every command there is.
func commands() []*Spec {
	with := func(s Spec, run func(context.Context, *Call) error) *Spec {
		s.Run = run
		return &s
	}
	checked := func(s *Spec, check func(*Call) error) *Spec {
		s.Check = check
		return s
	}
	return slices.Concat(
		[]*Spec{
			checked(with(find, runFind), checkFind), checked(with(aggregate, runAggregate), checkAggregate), checked(with(count, runCount), checkCollection), with(distinct, runDistinct), with(explain, runExplain),
			checked(with(insert, runInsert), checkBatch("documents")),
			checked(with(update, runUpdate), checkUpdate),
			checked(with(remove, runDelete), checkDelete),
			checked(with(findAndModify, runFindAndModify), checkCollection),
			checked(with(bulkWrite, runBulkWrite), checkBulkWrite),
		},
		cursorCommands(), txnCommands(), sessionCommands(),
		[]*Spec{checked(with(create, runCreate), checkCreateText), with(collMod, runCollMod), with(setDefaultRWConcern, runSetDefaultRWConcern),
			with(getDefaultRWConcern, runGetDefaultRWConcern), with(setFCV, runSetFCV), with(profile, runProfile)},
		ddlCommands(), indexCommands(), listCommands(),
		searchCommands(), apiTestCommands(),
		helloCommands(), infoCommands(), authCommands(), replSetCommands(), adminCommands(),
	)
}
