// Checks histories of the fault suite with Porcupine: go run . [-timeout 60s] FILE...
// See README.md beside this file.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	timeout := flag.Duration("timeout", time.Minute, "for the history of one lock")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ok := true
	for _, path := range flag.Args() {
		found, err := judgeFile(path, *timeout)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			os.Exit(2)
		}
		for _, each := range found {
			fmt.Println(each)
			ok = ok && len(each.rejected) == 0
		}
	}
	if !ok {
		os.Exit(1)
	}
}

func judgeFile(path string, timeout time.Duration) ([]*verdict, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	rounds, err := readRounds(file)
	if err != nil {
		return nil, err
	}
	return judge(rounds, timeout)
}
