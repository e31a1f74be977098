<?php
// An abort, a duplicate key inside, two sessions in conflict, processes that contend.
require __DIR__ . '/common.php';

use MongoDB\Driver\Manager;
use MongoDB\Driver\Session;

const ITEMS = 'trouble_php.items';

function abort(Manager $manager): void
{
    $session = $manager->startSession();
    $session->startTransaction();
    insert($manager, ITEMS, ['_id' => 2], $session);
    update($manager, ITEMS, ['_id' => 1], ['$inc' => ['qty' => -10]], $session);
    expect('documents inside', countDocuments($manager, ITEMS, [], $session), 2);
    $session->abortTransaction();
    expect('documents', countDocuments($manager, ITEMS, []), 1);
    expect('quantity', find($manager, ITEMS, ['_id' => 1])[0]->qty, 10);
    echo "abort: nothing is left of it\n";
}

function duplicateKey(Manager $manager): void
{
    $session = $manager->startSession();
    $session->startTransaction();
    insert($manager, ITEMS, ['_id' => 3], $session);
    $error = failure(fn () => insert($manager, ITEMS, ['_id' => 1], $session));
    expect('code', code($error), 11000);
    expect('transient', var_export($error->hasErrorLabel('TransientTransactionError'), true), 'false');
    $error = failure(fn () => insert($manager, ITEMS, ['_id' => 4], $session));
    expect('code', code($error), 251);
    $session->abortTransaction();
    expect('documents', countDocuments($manager, ITEMS, []), 1);
    echo "duplicate key: the transaction is over, the error is not transient\n";
}

function conflict(Manager $manager): void
{
    $take = fn (Session $session) => update($manager, ITEMS, ['_id' => 1], ['$inc' => ['qty' => -1]], $session);
    [$first, $second] = [$manager->startSession(), $manager->startSession()];
    $first->startTransaction();
    $second->startTransaction();
    find($manager, ITEMS, ['_id' => 1], $first);
    find($manager, ITEMS, ['_id' => 1], $second);
    $take($first);
    $error = failure(fn () => $take($second));
    expect('code', code($error), 112);
    expect('transient', var_export($error->hasErrorLabel('TransientTransactionError'), true), 'true');
    $second->abortTransaction();
    $first->commitTransaction();
    withTransaction($second, $take);
    expect('quantity', find($manager, ITEMS, ['_id' => 1])[0]->qty, 8);
    echo "conflict: told at the write, gone at the retry\n";
}

// work is one of the processes that contend.
function work(Manager $manager): void
{
    withTransaction($manager->startSession(), function (Session $session) use ($manager): void {
        $qty = find($manager, ITEMS, ['_id' => 1], $session)[0]->qty;
        update($manager, ITEMS, ['_id' => 1], ['$set' => ['qty' => $qty + 1]], $session);
    });
}

// contended lets ten processes count one document up at once, as requests to a web
// server do.
function contended(Manager $manager): void
{
    $workers = [];
    for ($i = 0; $i < 10; $i++) {
        $workers[] = proc_open([PHP_BINARY, __FILE__, 'work'], [], $pipes) ?: throw new LogicException('no process');
    }
    foreach ($workers as $worker) {
        expect('exit code', proc_close($worker), 0);
    }
    expect('quantity', find($manager, ITEMS, ['_id' => 1])[0]->qty, 18);
    echo "contended: no update was lost\n";
}

$manager = connect();
if (($argv[1] ?? '') === 'work') {
    work($manager);
    exit(0);
}
dropDatabase($manager, 'trouble_php');
insert($manager, ITEMS, ['_id' => 1, 'qty' => 10]);
abort($manager);
duplicateKey($manager);
conflict($manager);
contended($manager);
