#!/usr/bin/perl
# Changes an employee's status and writes an event about it, in one transaction:
# by the callback API, then by the core API with the manual's two retry loops.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Common;
use Try::Tiny;

my $client = connect_client();
$client->db($_)->drop for qw(hr_perl reporting_perl);
my $employees = $client->ns('hr_perl.employees');
my $events    = $client->ns('reporting_perl.events');
$employees->insert_one( { employee => 1, name => { first => 'Ada' },   status => 'Active' } );
$employees->insert_one( { employee => 3, name => { first => 'Grace' }, status => 'Active' } );

sub change {
    my ( $session, $employee ) = @_;
    my $event = { employee => $employee, status => { new => 'Inactive', old => 'Active' } };
    $employees->update_one( { employee => $employee }, { '$set' => { status => 'Inactive' } }, { session => $session } );
    $events->insert_one( $event, { session => $session } );
    return;
}

sub update_employee_info {
    my ($session) = @_;
    $session->start_transaction( { readConcern => { level => 'snapshot' }, writeConcern => { w => 'majority' } } );
    try { change( $session, 3 ) }
    catch {
        my $error = $_;
        print "caught an error during the transaction, aborting\n";
        $session->abort_transaction;
        die $error;
    };
    commit_with_retry($session);
    print "Transaction committed.\n";
    return;
}

my $session = $client->start_session;
$session->with_transaction( sub { change( $_[0], 1 ) } );
run_transaction_with_retry( $session, \&update_employee_info );
$session->end_session;

for my $employee ( 1, 3 ) {
    expect( "status of employee $employee", $employees->find_one( { employee => $employee } )->{status}, 'Inactive' );
}
expect( 'events', $events->count_documents( { 'status.new' => 'Inactive' } ), 2 );
