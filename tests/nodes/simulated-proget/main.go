// Command simulated-proget behaves like the product as far as this project looks at it: /health in each of its forms,
// the messenger's port, the key, the activation; with faults on demand. See ../README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// settings is the command line and the environment, checked.
type settings struct {
	address     string
	port        int
	messenger   int
	product     string
	version     version
	form        string
	cpuInfo     string
	activations string
}

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(arguments []string) int {
	settings, err := parseSettings(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulated-proget:", err)
		return 2
	}
	if err := checkKey(strings.ToUpper(settings.product)); err != nil {
		fmt.Fprintln(os.Stderr, "simulated-proget:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, settings); err != nil {
		fmt.Fprintln(os.Stderr, "simulated-proget:", err)
		return 1
	}
	return 0
}

func parseSettings(arguments []string) (*settings, error) {
	parsed := &settings{}
	name, tag := splitImage(os.Getenv("SIMULATED_IMAGE"))
	release := environmentOr("SIMULATED_VERSION", tag)
	port, err := strconv.Atoi(environmentOr("SIMULATED_PORT", "8080"))
	if err != nil {
		return nil, fmt.Errorf("SIMULATED_PORT: %w", err)
	}
	flags := flag.NewFlagSet("simulated-proget", flag.ContinueOnError)
	flags.StringVar(&parsed.address, "address", environmentOr("PROCESS_POD_IP", environmentOr("POD_IP", "127.0.0.1")), "address to listen on")
	flags.IntVar(&parsed.port, "port", port, "port of the web server")
	flags.IntVar(&parsed.messenger, "messenger-port", 33237, "port of the service messenger, 0 for none")
	flags.StringVar(&parsed.product, "product", productOf(name), "ProGet, BuildMaster or Otter")
	flags.StringVar(&release, "release", release, "release number, as in an image's tag")
	flags.StringVar(&parsed.form, "form", "", "2026 (plain text, JSON beside it) or 2025 (JSON only); default: as the release")
	flags.StringVar(&parsed.cpuInfo, "cpuinfo", environmentOr("SIMULATED_CPUINFO", "/proc/cpuinfo"), "where the machine's CPU is read")
	flags.StringVar(&parsed.activations, "activations", os.Getenv("SIMULATED_ACTIVATIONS"),
		"folder with a file per activated machine; empty: every machine is activated")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	parsed.version = parseVersion(release)
	if parsed.form == "" {
		parsed.form = "2025"
		if parsed.version.major >= 26 && parsed.product == "ProGet" {
			parsed.form = "2026"
		}
	}
	if parsed.form != "2025" && parsed.form != "2026" {
		return nil, fmt.Errorf("--form is 2025 or 2026, not %q", parsed.form)
	}
	return parsed, nil
}

func environmentOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// checkKey refuses what the product refuses: the key given both ways.
func checkKey(prefix string) error {
	variable, file := prefix+"_ENCRYPTION_KEY", prefix+"_ENCRYPTION_KEY_FILE"
	path := os.Getenv(file)
	if os.Getenv(variable) != "" && path != "" {
		return fmt.Errorf("%s and %s are both set; only one of them may be", variable, file)
	}
	if path != "" {
		if _, err := os.ReadFile(path); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// serve listens on both ports until the context ends.
func serve(ctx context.Context, settings *settings) error {
	listener, err := net.Listen("tcp", net.JoinHostPort(settings.address, strconv.Itoa(settings.port)))
	if err != nil {
		return err
	}
	if settings.messenger != 0 {
		messenger, err := net.Listen("tcp", net.JoinHostPort(settings.address, strconv.Itoa(settings.messenger)))
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		defer messenger.Close()
		go serveMessenger(messenger)
	}
	product := newProduct(settings)
	server := &http.Server{Handler: product.handler(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	fmt.Printf("%s %s listens on %s\n", settings.product, settings.version.number(), listener.Addr())
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveMessenger accepts and says nothing: a client can tell only whether the port is reachable.
func serveMessenger(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			_ = connection.SetDeadline(time.Now().Add(time.Minute))
			_, _ = connection.Read(make([]byte, 1024))
			_ = connection.Close()
		}()
	}
}
