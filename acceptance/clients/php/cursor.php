<?php
// A cursor of ten batches inside a transaction, while another changes what it reads.
require __DIR__ . '/common.php';

use MongoDB\Driver\BulkWrite;
use MongoDB\Driver\Query;

const NUMBERS = 'cursor_php.numbers';

$manager = connect();
dropDatabase($manager, 'cursor_php');
$bulk = new BulkWrite();
for ($i = 0; $i < 1000; $i++) {
    $bulk->insert(['_id' => $i, 'n' => $i]);
}
$manager->executeBulkWrite(NUMBERS, $bulk);

$session = $manager->startSession();
$session->startTransaction();
$query = new Query([], ['sort' => ['_id' => 1], 'batchSize' => 100]);
$seen = $total = 0;
foreach ($manager->executeQuery(NUMBERS, $query, ['session' => $session]) as $doc) {
    $total += $doc->n;
    if (++$seen === 150) {
        update($manager, NUMBERS, [], ['$inc' => ['n' => 1000000]]);
        $delete = new BulkWrite();
        $delete->delete(['_id' => ['$gte' => 500]]);
        $manager->executeBulkWrite(NUMBERS, $delete);
    }
}
$session->commitTransaction();
echo "seen: $seen, sum: $total\n";
expect('left', countDocuments($manager, NUMBERS, []), 500);
