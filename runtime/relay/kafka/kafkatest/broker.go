// Package kafkatest runs an Apache Kafka broker as a process that can be killed. It is for the tests and benchmarks of this repository. The
// broker's jars come from Maven: the machine needs java and mvn.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// version is the version of Kafka.
const version = "4.4.0"

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>ironflow</groupId><artifactId>kafkatest</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + version + `</version></dependency>
</dependencies></project>`

// ErrNoJava says that the machine lacks java or mvn.
var ErrNoJava = errors.New("kafkatest: java or mvn is not installed")

// Jars returns the directory of the broker's jars, below the user's cache. The first call downloads them.
func Jars() (string, error) {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", ErrNoJava
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "ironflow", "kafka-"+version)
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(pom), 0o644); err != nil {
		return "", err
	}
	mvn := exec.Command("mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory="+dir)
	mvn.Dir = dir
	if out, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mvn: %w\n%s", err, out)
	}
	return dir, os.WriteFile(filepath.Join(dir, "complete"), nil, 0o644)
}

// Broker is a broker that is its own controller.
type Broker struct {
	dir, jars string
	port      int
	process   *exec.Cmd
	end       io.Closer // the process ends when it is closed, or when this process ends
}

// Start starts a broker, whose files are in a directory, and waits until it answers.
func Start(ctx context.Context, dir string) (*Broker, error) {
	jars, err := Jars()
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	b := &Broker{dir: dir, jars: jars, port: ports[0]}
	settings := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=%[3]s
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`, ports[0], ports[1], filepath.Join(dir, "data"))
	if err := os.WriteFile(filepath.Join(dir, "server.properties"), []byte(settings), 0o644); err != nil {
		return nil, err
	}
	format := b.command(ctx, "java", b.java("kafka.tools.StorageTool", "format", "-t", "aXJvbmZsb3cta2Fma2EhIQ", "-c", "server.properties")...)
	if out, err := format.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("formatting the broker's directory: %w\n%s", err, out)
	}
	return b, b.Restart(ctx)
}

// java returns the arguments of java.
func (b *Broker) java(arguments ...string) []string {
	return append([]string{"-Xmx768m", "-XX:+UseSerialGC", "-cp", filepath.Join(b.jars, "*")}, arguments...)
}

func (b *Broker) command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, arguments...)
	c.Dir = b.dir
	return c
}

// untilClosed runs java until its input ends.
const untilClosed = `java "$@" & p=$!; cat >/dev/null; kill -9 $p; wait $p`

// Seed returns the broker's address.
func (b *Broker) Seed() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

// Kill kills the broker.
func (b *Broker) Kill() error {
	if b.process == nil {
		return nil
	}
	err := b.end.Close()
	_ = b.process.Wait()
	b.process = nil
	return err
}

// Freeze stops the broker in the middle of its work: it keeps its connections and does not answer, until Thaw.
func (b *Broker) Freeze() error { return b.signal(syscall.SIGSTOP) }

// Thaw lets a frozen broker go on.
func (b *Broker) Thaw() error { return b.signal(syscall.SIGCONT) }

// signal sends a signal to java, which is a child of the shell.
func (b *Broker) signal(s syscall.Signal) error {
	found, err := exec.Command("pgrep", "-P", strconv.Itoa(b.process.Process.Pid), "java").Output()
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(found)))
	if err != nil {
		return err
	}
	return syscall.Kill(pid, s)
}

// Restart starts a broker that does not run, and waits until it answers.
func (b *Broker) Restart(ctx context.Context) error {
	if b.process != nil {
		return nil
	}
	log, err := os.OpenFile(filepath.Join(b.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	b.process = b.command(context.WithoutCancel(ctx), "sh", append([]string{"-c", untilClosed, "java"}, b.java("kafka.Kafka", "server.properties")...)...)
	b.process.Stdout, b.process.Stderr = log, log
	if b.end, err = b.process.StdinPipe(); err != nil {
		return err
	}
	if err := b.process.Start(); err != nil {
		b.process = nil
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Seed()))
	if err != nil {
		return err
	}
	defer client.Close()
	for range 800 { // Java is slow to begin on a busy machine
		ping, cancel := context.WithTimeout(ctx, time.Second)
		err = client.Ping(ping)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(250 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(b.dir, "log"))
	return fmt.Errorf("the broker does not answer: %w\n%s", err, text[max(0, len(text)-2000):])
}

// freePorts returns ports that were free a moment ago.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
