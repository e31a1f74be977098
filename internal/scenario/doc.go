// Package scenario runs files of commands and expected replies against a server.
//
// # What it is for
//
// A file in testdata/<area>/ tells one story: commands, the sessions that send
// them, their order, and the replies. The replies are written by the reference
// server, MongoDB 8.2, and must be ours as well:
//
//	go test ./internal/scenario                                     # ours
//	PANDO_REFERENCE_URI=mongodb://… go test ./internal/scenario -run Reference [-rewrite]
//
// With -keep-going every difference is told, not only a file's first.
//
// Only the reference writes expectations. Where we differ on purpose the step says
// so (differs=(why)), its expectation is ours, and docs/differences.md lists it: a
// test holds the two lists together.
//
// # How a file is written
//
// The syntax is that of cockroachdb/datadriven: a directive with arguments, its
// input, a line of four dashes, the expectation. The input is one or more commands
// in relaxed extended JSON. Directives:
//
//	run    send the commands, print the replies
//	wait   print the reply of a command that was left waiting (run … blocks)
//	poll   send the command again and again until its reply contains until=(text)
//
// Arguments:
//
//	session=a    as session a: the runner adds lsid and, as the session stands, txnNumber
//	             and autocommit. "startTransaction": true in a command begins the
//	             session's next transaction; commitTransaction and abortTransaction go
//	             to admin and end it. An explicit txnNumber makes a retryable write.
//	conn=x       on connection x (otherwise each session has its own, and main is the
//	             one of steps without a session)
//	db=x         on another database than test
//	continue     add the transaction's fields although it has ended
//	outside      leave them out although it is open
//	raw          add nothing but $db
//	error        every command of the step must fail; without it none may
//	blocks       the command must be waiting, not answered; a later wait shows its reply
//	sort         the documents of the reply have no order: print them sorted
//	show=…       a field of the reply (show=(n,a.b) for several, or inner ones), or: all (the
//	             whole reply, nothing hidden), types (names and types only), code (an
//	             error's code and labels alone), cursor (the cursor as one document)
//	time=t       keep the reply's operationTime; later commands may say "$time:t"
//	differs=(…)  see above
//	later=(…)    what ours refuses so far, with 238; the expectation is the reference's
//
// Lines of the first comment speak of the whole file: "# alone: why" keeps others from
// running beside it; "# later: why" says that ours goes no further than to its first
// refusal with 238. Both kinds of later fail when nothing is refused any more, and
// docs/differences.md lists them.
//
// # Every command in every state
//
// states/commands.txt is a table: each command, sent in every form that a number
// can have, to a session in every state that its number can be in. The reference
// server writes it as well (TestReferenceStates). TestReferenceRandom plays random
// moves of two sessions to both servers.
//
// # What is printed
//
// A reply is one line of extended JSON in which every number tells its type: 1 is an
// int32, 1.0 a double, {"$numberLong":"1"} an int64. A cursor's documents come first,
// one a line. Cluster times and ok are hidden. What a server makes up is replaced by a
// name, in order of appearance: cursor ids ($cursor1, usable in later commands), the
// ObjectIds and UUIDs that no command mentioned ($oid1, $uuid1), times close to now
// (<now>), the address (<host>). Each file works in databases of its own, whose prefix
// is hidden; "$db:x" in a command is the real name of database x.
//
// The text of WriteConflict (112) is not printed: ours names the document, and no
// driver reads it.
//
// # Where to start reading
//
// file.go runs a file step by step; session.go is what the runner adds to a command;
// reply.go and print.go turn a reply into text; names.go hides what differs from run
// to run; conn.go speaks the wire protocol, so that no driver stands between.
package scenario
