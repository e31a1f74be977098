<?php
// Changes an employee's status and writes an event about it, in one transaction:
// by a callback, then by the core API with the manual's two retry loops.
require __DIR__ . '/common.php';

use MongoDB\Driver\ReadConcern;
use MongoDB\Driver\Session;
use MongoDB\Driver\WriteConcern;

$manager = connect();
dropDatabase($manager, 'hr_php');
dropDatabase($manager, 'reporting_php');
insert($manager, 'hr_php.employees', ['employee' => 1, 'name' => ['first' => 'Ada'], 'status' => 'Active']);
insert($manager, 'hr_php.employees', ['employee' => 3, 'name' => ['first' => 'Grace'], 'status' => 'Active']);

$change = function (Session $session, int $employee) use ($manager): void {
    update($manager, 'hr_php.employees', ['employee' => $employee], ['$set' => ['status' => 'Inactive']], $session);
    $event = ['employee' => $employee, 'status' => ['new' => 'Inactive', 'old' => 'Active']];
    insert($manager, 'reporting_php.events', $event, $session);
};

$updateEmployeeInfo = function (Session $session) use ($change): void {
    $session->startTransaction([
        'readConcern' => new ReadConcern(ReadConcern::SNAPSHOT),
        'writeConcern' => new WriteConcern(WriteConcern::MAJORITY),
    ]);
    try {
        $change($session, 3);
    } catch (MongoDB\Driver\Exception\Exception $error) {
        echo "caught an error during the transaction, aborting\n";
        $session->abortTransaction();
        throw $error;
    }
    commitWithRetry($session);
    echo "Transaction committed.\n";
};

$session = $manager->startSession(['causalConsistency' => true]);
withTransaction($session, fn (Session $session) => $change($session, 1));
runTransactionWithRetry($updateEmployeeInfo, $session);
expect('state', $session->getTransactionState(), Session::TRANSACTION_COMMITTED);
$session->endSession();

foreach ([1, 3] as $employee) {
    $status = find($manager, 'hr_php.employees', ['employee' => $employee])[0]->status;
    expect("status of employee $employee", $status, 'Inactive');
}
expect('events', countDocuments($manager, 'reporting_php.events', ['status.new' => 'Inactive']), 2);
