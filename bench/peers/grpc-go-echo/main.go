// The least that a server on grpc-go can do: reads a request and answers bytes that are ready, with messages as plain bytes.
// Its one argument is a file with a line for each path: path, headers as name=value;name=value, message in hexadecimal.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"log"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

type answer struct {
	headers metadata.MD
	message []byte
}

// plain passes messages on as they are.
type plain struct{}

func (plain) Name() string { return "proto" }

func (plain) Marshal(value any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*value.(*[]byte))}, nil
}

func (plain) Unmarshal(data mem.BufferSlice, value any) error {
	*value.(*[]byte) = data.Materialize()
	return nil
}

func main() {
	encoding.RegisterCodecV2(plain{})
	answers := readAnswers(os.Args[1])
	serve := func(_ any, stream grpc.ServerStream) error {
		path, _ := grpc.MethodFromServerStream(stream)
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		answer := answers[path]
		if err := stream.SetHeader(answer.headers); err != nil {
			return err
		}
		return stream.SendMsg(&answer.message)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"grpcPort\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(grpc.NewServer(grpc.UnknownServiceHandler(serve)).Serve(listener))
}

func readAnswers(name string) map[string]answer {
	file, err := os.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	answers := map[string]answer{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		parts := strings.Split(lines.Text(), "\t")
		message, err := hex.DecodeString(parts[2])
		if err != nil {
			log.Fatal(err)
		}
		headers := metadata.MD{}
		for _, field := range strings.Split(parts[1], ";") {
			// The content type is the library's own.
			if name, value, found := strings.Cut(field, "="); found && name != "content-type" {
				headers.Set(name, value)
			}
		}
		answers[parts[0]] = answer{headers, message}
	}
	return answers
}
