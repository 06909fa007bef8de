# MIME-tools as a reader: takes "message<TAB>folder" by line, writes the parts into the folder, and
# answers with a line when it is done. One process for many messages, because it starts slowly.
use strict;
use warnings;
use MIME::Parser;

$| = 1;
open(STDERR, '>', '/dev/null');
while (my $line = <STDIN>) {
    chomp $line;
    my ($message, $folder) = split /\t/, $line;
    eval {
        local $SIG{ALRM} = sub { die "too slow\n" };
        alarm 20;
        my $parser = MIME::Parser->new;
        $parser->output_dir($folder);
        $parser->extract_uuencode(1);
        $parser->extract_nested_messages(1);
        $parser->decode_headers(0);
        $parser->ignore_errors(1);
        $parser->parse_open($message);
    };
    alarm 0;
    print "done\n";
}
