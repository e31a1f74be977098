package command

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// HostInfo is the machine, as hostInfo tells it. What is not known is absent.
type HostInfo struct {
	Hostname, OSName, OSVersion, CPU string
	MemoryMB                         int64
}

// ReadHostInfo asks the operating system.
func ReadHostInfo() HostInfo {
	var h HostInfo
	h.Hostname, _ = os.Hostname()
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			h.OSName = strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	h.OSVersion = strings.TrimSpace(string(release))
	memory, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(memory)) {
		if v, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			h.MemoryMB = kb >> 10
		}
	}
	return h
}

func infoCommands() []*Spec {
	return []*Spec{
		{Name: "ping", NotAfter: true, NoAuth: true, API: true, Run: func(context.Context, *Call) error { return nil }, Help: "answers"},
		{Name: "buildInfo", Aliases: []string{"buildinfo"}, Run: runBuildInfo, Help: "tells what this server is"},
		{Name: "whatsmyuri", Run: func(_ context.Context, c *Call) error { c.Reply.String("you", c.Peer.Remote); return nil }, Help: "tells the client's address",
			Fields: lenientFields("whatsmyuri")},
		{Name: "connectionStatus", NoAuth: true, Run: runConnectionStatus, Help: "tells who is authenticated",
			Fields: NewFields("connectionStatus", Field{Name: "showPrivileges", Type: oneOf("double", "bool", "int", "long", "decimal")})},
		{Name: "hostInfo", Run: runHostInfo, Help: "tells of the machine"},
		{Name: "getCmdLineOpts", Admin: true, Run: runGetCmdLineOpts, Help: "tells how the server was started"},
		{Name: "getLog", Admin: true, Run: runGetLog, Help: "shows the last log lines"},
		{Name: "listCommands", NoAuth: true, Run: runListCommands, Help: "lists commands", Fields: lenientFields("listCommands")},
	}
}

func runBuildInfo(_ context.Context, c *Call) error {
	b, p := c.Reply, &c.D.Persona
	b.String("version", mongoVersion)
	b.OpenArray("versionArray")
	for i, n := range []int32{8, 2, 0, 0} {
		b.Int32(bsonx.Index(i), n)
	}
	b.Close()
	b.String("gitVersion", p.GitCommit)
	b.OpenArray("modules")
	b.Close()
	b.OpenDoc("pando")
	b.String("version", p.Version)
	b.String("go", runtime.Version())
	b.Close()
	b.OpenDoc("buildEnvironment")
	b.String("target_arch", runtime.GOARCH)
	b.String("target_os", runtime.GOOS)
	b.Close()
	b.Int32("bits", strconv.IntSize)
	b.Bool("debug", false)
	b.Int64("maxBsonObjectSize", bsonx.DocBytesMax)
	b.OpenArray("storageEngines")
	b.String("0", "pebble")
	b.Close()
	return nil
}

func runConnectionStatus(_ context.Context, c *Call) error {
	b := c.Reply
	empty := func(name string) { b.OpenArray(name); b.Close() }
	b.OpenDoc("authInfo")
	empty("authenticatedUsers")
	empty("authenticatedUserRoles")
	if c.Args.Bool("showPrivileges", false) {
		empty("authenticatedUserPrivileges")
	}
	b.Close()
	if c.Peer.uuid == [16]byte{} {
		c.Peer.uuid = c.D.Env.UUID()
	}
	b.Binary("uuid", 4, c.Peer.uuid[:])
	return nil
}

func runHostInfo(_ context.Context, c *Call) error {
	b, h := c.Reply, &c.D.Host
	b.OpenDoc("system")
	b.Date("currentTime", c.started.UnixMilli())
	b.String("hostname", h.Hostname)
	b.Int32("cpuAddrSize", strconv.IntSize)
	b.Int64("memSizeMB", h.MemoryMB)
	b.Int32("numCores", int32(runtime.NumCPU()))
	b.Int32("numCoresAvailableToProcess", int32(runtime.GOMAXPROCS(0)))
	b.String("cpuArch", map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH])
	b.Close()
	b.OpenDoc("os")
	b.String("type", runtime.GOOS)
	b.String("name", h.OSName)
	b.String("version", h.OSVersion)
	b.Close()
	b.OpenDoc("extra")
	b.Close()
	return nil
}

func runGetCmdLineOpts(_ context.Context, c *Call) error {
	c.Reply.OpenArray("argv")
	for i, a := range c.D.Persona.ArgV {
		c.Reply.String(bsonx.Index(i), a)
	}
	c.Reply.Close()
	c.Reply.EmbedDoc("parsed", orEmpty(c.D.Persona.Parsed))
	return nil
}

func runGetLog(_ context.Context, c *Call) error {
	if err := c.checkArg("getLog", Text); err != nil {
		return err
	}
	b := c.Reply
	var lines []string
	switch name := bsonx.Str(c.Arg); name {
	case "*":
		b.OpenArray("names")
		b.String("0", "global")
		b.String("1", "startupWarnings")
		b.Close()
		return nil
	case "global":
		if c.D.LogTail != nil {
			lines = c.D.LogTail()
		}
	case "startupWarnings": // there are none.
	default:
		return mongoerr.Newf(mongoerr.OperationFailed, "No log named '%s'", name)
	}
	b.Int32("totalLinesWritten", int32(len(lines)))
	b.OpenArray("log")
	for i, l := range lines {
		b.String(bsonx.Index(i), l)
	}
	b.Close()
	return nil
}

func runListCommands(_ context.Context, c *Call) error {
	b := c.Reply
	b.OpenDoc("commands")
	for _, s := range c.D.table.all {
		if s.Test && !c.D.Params.EnableTestCommands.Get() {
			continue
		}
		b.OpenDoc(s.Name)
		b.String("help", s.Help)
		b.Bool("requiresAuth", !s.NoAuth)
		b.Bool("secondaryOk", !s.Write)
		b.Bool("adminOnly", s.Admin)
		b.OpenArray("apiVersions")
		if s.API {
			b.String("0", "1")
		}
		b.Close()
		b.Close()
	}
	b.Close()
	return nil
}
