package Common;

# What the programs here share: how they connect, the manual's two retry loops for
# the core API, and how they print what they found.

use strict;
use warnings;
use Exporter 'import';
use MongoDB;
use Safe::Isa;
use Try::Tiny;

our @EXPORT = qw(connect_client commit_with_retry run_transaction_with_retry expect failure);

STDOUT->autoflush(1);

sub connect_client {
    return MongoDB->connect( $ENV{MONGODB_URI} // die "MONGODB_URI is not set\n" );
}

sub has_label {
    my ( $error, $label ) = @_;
    return $error->$_isa('MongoDB::Error') && $error->has_error_label($label);
}

sub commit_with_retry {
    my ($session) = @_;
    my $done;
    until ($done) {
        try {
            $session->commit_transaction;
            $done = 1;
        }
        catch {
            die $_ unless has_label( $_, 'UnknownTransactionCommitResult' );
            print "UnknownTransactionCommitResult, retrying commit operation ...\n";
        };
    }
    return;
}

# run_transaction_with_retry calls a function that is a whole transaction until it is
# not told to try again.
sub run_transaction_with_retry {
    my ( $session, $transaction ) = @_;
    my $done;
    until ($done) {
        try {
            $transaction->($session);
            $done = 1;
        }
        catch {
            die $_ unless has_label( $_, 'TransientTransactionError' );
        };
    }
    return;
}

sub expect {
    my ( $what, $got, $want ) = @_;
    print "$what: $got\n";
    die "$what: expected $want\n" unless $got eq $want;
    return;
}

# failure returns what a function dies of.
sub failure {
    my ($function) = @_;
    my $error;
    try { $function->() } catch { $error = $_ };
    die "no error\n" unless defined $error;
    die $error unless $error->$_isa('MongoDB::Error');
    return $error;
}

1;
