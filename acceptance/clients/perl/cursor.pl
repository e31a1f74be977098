#!/usr/bin/perl
# A cursor of ten batches inside a transaction, while another changes what it reads.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Common;

my $client  = connect_client();
my $numbers = $client->ns('cursor_perl.numbers');
$client->db('cursor_perl')->drop;
$numbers->insert_many( [ map { { _id => $_, n => $_ } } 0 .. 999 ] );
my $session = $client->start_session;
$session->start_transaction;
my $found = $numbers->find( {}, { sort => { _id => 1 }, batchSize => 100, session => $session } );
my ( $seen, $total ) = ( 0, 0 );
while ( my $doc = $found->next ) {
    $total += $doc->{n};
    next unless ++$seen == 150;
    $numbers->update_many( {}, { '$inc' => { n => 1_000_000 } } );
    $numbers->delete_many( { _id => { '$gte' => 500 } } );
}
$session->commit_transaction;
print "seen: $seen, sum: $total\n";
expect( 'left', $numbers->count_documents( {} ), 500 );
