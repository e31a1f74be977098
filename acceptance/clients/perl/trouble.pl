#!/usr/bin/perl
# An abort, a duplicate key inside, two sessions in conflict, processes that contend.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Common;

my $client = connect_client();
my $items  = $client->ns('trouble_perl.items');

sub quantity { return $items->find_id( 1, undef, {@_} )->{qty} }

sub take {
    my ( $qty, $session ) = @_;
    return $items->update_one( { _id => 1 }, { '$inc' => { qty => -$qty } }, { session => $session } );
}

sub abort {
    my $session = $client->start_session;
    $session->start_transaction;
    $items->insert_one( { _id => 2 }, { session => $session } );
    take( 10, $session );
    expect( 'documents inside', $items->count_documents( {}, { session => $session } ), 2 );
    $session->abort_transaction;
    expect( 'documents', $items->count_documents( {} ), 1 );
    expect( 'quantity', quantity(), 10 );
    print "abort: nothing is left of it\n";
    return;
}

sub duplicate_key {
    my $session = $client->start_session;
    $session->start_transaction;
    $items->insert_one( { _id => 3 }, { session => $session } );
    my $error = failure( sub { $items->insert_one( { _id => 1 }, { session => $session } ) } );
    expect( 'error',     ref $error,                                                       'MongoDB::DuplicateKeyError' );
    expect( 'transient', $error->has_error_label('TransientTransactionError') ? 'yes' : 'no', 'no' );
    $error = failure( sub { $items->insert_one( { _id => 4 }, { session => $session } ) } );
    expect( 'code', $error->code, 251 );
    $session->abort_transaction;
    expect( 'documents', $items->count_documents( {} ), 1 );
    print "duplicate key: the transaction is over, the error is not transient\n";
    return;
}

sub conflict {
    my ( $first, $second ) = map { $client->start_session } 1 .. 2;
    $_->start_transaction for $first, $second;
    quantity( session => $_ ) for $first, $second;
    take( 1, $first );
    my $error = failure( sub { take( 1, $second ) } );
    expect( 'code',      $error->code,                                                     112 );
    expect( 'transient', $error->has_error_label('TransientTransactionError') ? 'yes' : 'no', 'yes' );
    $second->abort_transaction;
    $first->commit_transaction;
    $second->with_transaction( sub { take( 1, $second ) } );
    expect( 'quantity', quantity(), 8 );
    print "conflict: told at the write, gone at the retry\n";
    return;
}

sub count_up {
    my ($session) = @_;
    my $qty = quantity( session => $session );
    $items->update_one( { _id => 1 }, { '$set' => { qty => $qty + 1 } }, { session => $session } );
    return;
}

# contended lets ten processes count one document up at once: the driver tries again
# until each is through.
sub contended {
    my @workers;
    for ( 1 .. 10 ) {
        my $pid = fork // die "fork: $!\n";
        if ( $pid == 0 ) {
            $client->reconnect; # a connection belongs to one process.
            $client->start_session->with_transaction( \&count_up );
            exit 0;
        }
        push @workers, $pid;
    }
    for my $pid (@workers) {
        waitpid $pid, 0;
        expect( 'exit code', $?, 0 );
    }
    expect( 'quantity', quantity(), 18 );
    print "contended: no update was lost\n";
    return;
}

$client->db('trouble_perl')->drop;
$items->insert_one( { _id => 1, qty => 10 } );
abort();
duplicate_key();
conflict();
contended();
