# Prints what MIME-tools sees in each file of a folder: file, reader, content in hex.
use strict;
use warnings;
use MIME::Parser;

sub walk {
    my ($name, $entity) = @_;
    if (my $body = $entity->bodyhandle) {
        print "$name mime-tools ", unpack("H*", $body->as_string), "\n";
    }
    walk($name, $_) for $entity->parts;
}

for my $path (sort glob("$ARGV[0]/*")) {
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    $parser->extract_uuencode(1);
    $parser->extract_nested_messages(1);
    my $entity = eval { $parser->parse_open($path) } or next;
    (my $name = $path) =~ s{.*/}{};
    walk($name, $entity);
}
