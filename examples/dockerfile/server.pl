# A web server in the Perl that every Debian has: one process, one request at a time.
use strict;
use warnings;
use IO::Socket::INET;

$| = 1;
$SIG{TERM} = sub { exit 0 };

my $port     = $ENV{PORT}            // 8000;
my $app      = $ENV{PORTSIDE_APP}    // 'your app';
my $release  = $ENV{RELEASE_VERSION} // 'your laptop';
my $text     = "Hello from $app, release $release.\n";
my $listener = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $port, Listen => 128, ReuseAddr => 1)
    or die "port $port: $!\n";
print "Listening on port $port\n";

while (1) {
    my $client = $listener->accept or next;
    my $request = <$client> // '';
    while (defined(my $header = <$client>)) { last if $header =~ /^\r?\n$/ }
    $request =~ s/\r?\n$//;
    print "$request\n";
    print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ",
        length($text), "\r\n\r\n", $request =~ /^HEAD / ? '' : $text;
    close $client;
}
