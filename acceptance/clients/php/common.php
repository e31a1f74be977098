<?php
// What the programs here share. They use the extension alone, as an application
// without Composer does: it has sessions and transactions, and no callback API.
declare(strict_types=1);

use MongoDB\Driver\BulkWrite;
use MongoDB\Driver\Command;
use MongoDB\Driver\Exception\RuntimeException;
use MongoDB\Driver\Manager;
use MongoDB\Driver\Query;
use MongoDB\Driver\Session;

set_error_handler(function (int $level, string $message, string $file, int $line): bool {
    throw new ErrorException($message, 0, $level, $file, $line);
});

function connect(): Manager
{
    return new Manager(getenv('MONGODB_URI') ?: throw new LogicException('MONGODB_URI is not set'));
}

function dropDatabase(Manager $manager, string $name): void
{
    $manager->executeWriteCommand($name, new Command(['dropDatabase' => 1]));
}

function inSession(?Session $session): array
{
    return $session === null ? [] : ['session' => $session];
}

function insert(Manager $manager, string $namespace, array $document, ?Session $session = null): void
{
    $bulk = new BulkWrite();
    $bulk->insert($document);
    $manager->executeBulkWrite($namespace, $bulk, inSession($session));
}

function update(Manager $manager, string $namespace, array $filter, array $change, ?Session $session = null): void
{
    $bulk = new BulkWrite();
    $bulk->update($filter, $change, ['multi' => true]);
    $manager->executeBulkWrite($namespace, $bulk, inSession($session));
}

/** @return array the documents that match. */
function find(Manager $manager, string $namespace, array $filter, ?Session $session = null): array
{
    return $manager->executeQuery($namespace, new Query($filter), inSession($session))->toArray();
}

function countDocuments(Manager $manager, string $namespace, array $filter, ?Session $session = null): int
{
    [$database, $collection] = explode('.', $namespace, 2);
    $pipeline = [['$match' => (object) $filter], ['$group' => ['_id' => 1, 'n' => ['$sum' => 1]]]];
    $command = new Command(['aggregate' => $collection, 'pipeline' => $pipeline, 'cursor' => new stdClass()]);
    $found = $manager->executeReadCommand($database, $command, inSession($session))->toArray();
    return $found === [] ? 0 : $found[0]->n;
}

function commitWithRetry(Session $session): void
{
    while (true) {
        try {
            $session->commitTransaction();
            return;
        } catch (RuntimeException $error) {
            if (!$error->hasErrorLabel('UnknownTransactionCommitResult')) {
                throw $error;
            }
            echo "UnknownTransactionCommitResult, retrying commit operation ...\n";
        }
    }
}

/** runTransactionWithRetry calls a function that is a whole transaction until it is not told to try again. */
function runTransactionWithRetry(callable $transaction, Session $session): void
{
    while (true) {
        try {
            $transaction($session);
            return;
        } catch (RuntimeException $error) {
            if (!$error->hasErrorLabel('TransientTransactionError')) {
                throw $error;
            }
        }
    }
}

/** withTransaction is the callback API on top of it: begins, commits, aborts what the callback throws out of. */
function withTransaction(Session $session, callable $callback, array $options = []): void
{
    runTransactionWithRetry(function (Session $session) use ($callback, $options): void {
        $session->startTransaction($options);
        try {
            $callback($session);
        } catch (Throwable $error) {
            if ($session->isInTransaction()) {
                $session->abortTransaction();
            }
            throw $error;
        }
        commitWithRetry($session);
    }, $session);
}

function expect(string $what, int|string $got, int|string $want): void
{
    echo "$what: $got\n";
    if ($got !== $want) {
        throw new LogicException("$what: expected $want");
    }
}

/** failure returns what a function throws. */
function failure(callable $f): RuntimeException
{
    try {
        $f();
    } catch (RuntimeException $error) {
        return $error;
    }
    throw new LogicException('no error');
}

/** code is the server's code of a failed command or of the first failed write. */
function code(RuntimeException $error): int
{
    return $error instanceof MongoDB\Driver\Exception\BulkWriteException && $error->getWriteResult()->getWriteErrors() !== []
        ? $error->getWriteResult()->getWriteErrors()[0]->getCode()
        : ($error->getPrevious() ?? $error)->getCode();
}
