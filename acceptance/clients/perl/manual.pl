#!/usr/bin/perl
# The callback example of the manual: two collections of two databases are written
# in one transaction.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Common;

my $client = connect_client();
$client->db($_)->drop for qw(mydb1_perl mydb2_perl);
my $foo = $client->ns('mydb1_perl.foo');
my $bar = $client->ns('mydb2_perl.bar');
$foo->insert_one( { abc => 0 } );
$bar->insert_one( { xyz => 0 } );

my $session = $client->start_session;
my $options = {
    readConcern    => { level => 'local' },
    writeConcern   => { w     => 'majority', wtimeout => 1000 },
    readPreference => { mode  => 'primary' },
};
$session->with_transaction(
    sub {
        $foo->insert_one( { abc => 1 },   { session => $session } );
        $bar->insert_one( { xyz => 999 }, { session => $session } );
    },
    $options
);
$session->end_session;

# What another client sees.
my $other = connect_client();
my ( $foos, $bars ) = ( $other->ns('mydb1_perl.foo'), $other->ns('mydb2_perl.bar') );
expect( 'foo, 1',   $foos->count_documents( { abc => 1 } ),   1 );
expect( 'bar, 999', $bars->count_documents( { xyz => 999 } ), 1 );
printf "foo: %d, bar: %d\n", $foos->count_documents( {} ), $bars->count_documents( {} );
