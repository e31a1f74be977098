<?php
// The callback example of the manual: two collections of two databases are written
// in one transaction.
require __DIR__ . '/common.php';

use MongoDB\Driver\ReadConcern;
use MongoDB\Driver\ReadPreference;
use MongoDB\Driver\Session;
use MongoDB\Driver\WriteConcern;

$manager = connect();
dropDatabase($manager, 'mydb1_php');
dropDatabase($manager, 'mydb2_php');
insert($manager, 'mydb1_php.foo', ['abc' => 0]);
insert($manager, 'mydb2_php.bar', ['xyz' => 0]);

withTransaction(
    $manager->startSession(),
    function (Session $session) use ($manager): void {
        insert($manager, 'mydb1_php.foo', ['abc' => 1], $session);
        insert($manager, 'mydb2_php.bar', ['xyz' => 999], $session);
    },
    [
        'readConcern' => new ReadConcern(ReadConcern::LOCAL),
        'writeConcern' => new WriteConcern(WriteConcern::MAJORITY, 1000),
        'readPreference' => new ReadPreference(ReadPreference::RP_PRIMARY),
    ],
);

// What another client sees.
$other = connect();
expect('foo, 1', countDocuments($other, 'mydb1_php.foo', ['abc' => 1]), 1);
expect('bar, 999', countDocuments($other, 'mydb2_php.bar', ['xyz' => 999]), 1);
printf("foo: %d, bar: %d\n", countDocuments($other, 'mydb1_php.foo', []), countDocuments($other, 'mydb2_php.bar', []));
