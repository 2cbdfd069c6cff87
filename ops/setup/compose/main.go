// Reads files of Compose as `docker compose config --format json` does, one over the other, and fails with the reason where it would.
//
//	compose-config [--profile NAME]... -f FILE...
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

type names []string

func (n *names) String() string     { return fmt.Sprint(*n) }
func (n *names) Set(s string) error { *n = append(*n, s); return nil }

func main() {
	var profiles, files names
	flag.Var(&profiles, "profile", "a profile whose services are wanted; may be repeated")
	flag.Var(&files, "f", "a file of Compose; may be repeated, the later one over the earlier")
	flag.Parse()
	if len(files) == 0 || flag.NArg() > 0 {
		fail(fmt.Errorf("expected -f FILE, found %q", flag.Args()))
	}
	options, err := cli.NewProjectOptions(files, cli.WithOsEnv, cli.WithProfiles(profiles))
	if err != nil {
		fail(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	read, err := project.MarshalJSON()
	if err != nil {
		fail(err)
	}
	fmt.Println(string(read))
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "compose-config: %v\n", err)
	os.Exit(1)
}
