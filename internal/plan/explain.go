package plan

import (
	"math"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/query"
)

// Extra appends what an execution has counted at a node; it may be nil.
type Extra func(b *bsonx.Builder, n Node)

// Planner is what a queryPlanner document tells.
type Planner struct {
	NS       catalog.Namespace
	Filter   *query.Filter
	Plan     Node // without stages of a pipeline: see Split.
	Pipeline bool // a whole pipeline became the plan.
}

// AppendTo appends the queryPlanner document.
func (p Planner) AppendTo(b *bsonx.Builder) {
	b.OpenDoc("queryPlanner")
	b.String("namespace", p.NS.String())
	b.EmbedDoc("parsedQuery", Parsed(p.Filter))
	b.Bool("indexFilterSet", false)
	if p.Pipeline {
		b.Bool("optimizedPipeline", true)
	}
	b.Bool("maxIndexedOrSolutionsReached", false)
	b.Bool("maxIndexedAndSolutionsReached", false)
	b.Bool("maxScansToExplodeReached", false)
	b.Bool("prunedSimilarIndexes", false)
	b.OpenDoc("winningPlan")
	b.Bool("isCached", false)
	AppendNode(b, p.Plan, nil)
	b.Close()
	b.OpenArray("rejectedPlans")
	b.Close()
	b.Close()
}

// Split takes a plan apart: what a Find made, and the stages of the pipeline above it.
func Split(n Node) (find Node, stages []Node) {
	for n != nil {
		s, in := staged(n)
		if s == nil {
			return n, stages
		}
		stages = append([]Node{n}, stages...)
		n = in
	}
	return nil, stages
}

// staged is the pipeline's stage that a node runs, and its input; nil if it runs none.
func staged(n Node) (Stage, Node) {
	switch n := n.(type) {
	case *Apply:
		return n.Stage, n.Input
	case *Lookup:
		return n.Stage, n.Input
	case *Branches:
		return n.Stage, n.Input
	}
	return nil, nil
}

// AppendNode appends a node's fields: stage, what it does, its inputs.
func AppendNode(b *bsonx.Builder, n Node, extra Extra) {
	b.String("stage", stageName(n))
	if f := filterOf(n); f != nil {
		b.EmbedDoc("filter", Parsed(f))
	}
	if extra != nil {
		extra(b, n)
	}
	appendDetails(b, n)
	inputs := n.Inputs()
	switch {
	case len(inputs) == 1:
		b.OpenDoc("inputStage")
		AppendNode(b, inputs[0], extra)
		b.Close()
	case len(inputs) > 1:
		b.OpenArray("inputStages")
		for i, in := range inputs {
			b.OpenDoc(bsonx.Index(i))
			AppendNode(b, in, extra)
			b.Close()
		}
		b.Close()
	}
}

func stageName(n Node) string {
	switch n := n.(type) {
	case *EOF:
		return "EOF"
	case *CollScan:
		return "COLLSCAN"
	case *Express:
		return "EXPRESS_IXSCAN"
	case *IndexScan:
		return "IXSCAN"
	case *Or:
		return "OR"
	case *Merge:
		return "SORT_MERGE"
	case *Fetch:
		return "FETCH"
	case *Sort:
		return "SORT"
	case *Skip:
		return "SKIP"
	case *Limit:
		return "LIMIT"
	case *Covered:
		return "PROJECTION_COVERED"
	case *Project:
		if n.Simple {
			return "PROJECTION_SIMPLE"
		}
		return "PROJECTION_DEFAULT"
	}
	return "PIPELINE"
}

func filterOf(n Node) *query.Filter {
	switch n := n.(type) {
	case *CollScan:
		return n.Filter
	case *Fetch:
		return n.Filter
	}
	return nil
}

func appendDetails(b *bsonx.Builder, n Node) {
	switch n := n.(type) {
	case *EOF:
		b.String("type", n.Why)
	case *CollScan:
		b.String("direction", direction(n.Reverse))
	case *Express:
		b.String("keyPattern", bsonx.ShellString(bsonx.DocValue(n.Index.Key)))
		b.String("indexName", n.Index.Name)
	case *IndexScan:
		appendIndexScan(b, n)
	case *Sort:
		b.EmbedDoc("sortPattern", n.Spec)
		b.Int64("memLimit", 100<<20)
		if n.Limit > 0 {
			appendAmount(b, "limitAmount", n.Limit)
		}
		b.String("type", "simple")
	case *Merge:
		b.EmbedDoc("sortPattern", n.Spec)
	case *Skip:
		appendAmount(b, "skipAmount", n.N)
	case *Limit:
		appendAmount(b, "limitAmount", n.N)
	case *Project:
		b.EmbedDoc("transformBy", n.Spec)
	case *Covered:
		b.EmbedDoc("transformBy", n.Spec)
	}
}

func appendAmount(b *bsonx.Builder, key string, n int64) {
	if n <= math.MaxInt32 {
		b.Int32(key, int32(n))
		return
	}
	b.Int64(key, n)
}

func direction(reverse bool) string {
	if reverse {
		return "backward"
	}
	return "forward"
}

func appendIndexScan(b *bsonx.Builder, n *IndexScan) {
	b.EmbedDoc("keyPattern", n.Index.Key)
	b.String("indexName", n.Index.Name)
	b.Bool("isMultiKey", n.Flags.Any())
	if n.Index.ID != catalog.IDIndex {
		b.OpenDoc("multiKeyPaths")
		for i, f := range n.Index.Fields {
			b.OpenArray(f.Path)
			if n.Flags.Multikey(i) {
				b.String("0", f.Path) // which part of the path it was is not remembered.
			}
			b.Close()
		}
		b.Close()
	}
	b.Bool("isUnique", n.Index.Unique)
	b.Bool("isSparse", n.Index.Sparse)
	b.Bool("isPartial", n.Index.Partial != nil)
	b.Int32("indexVersion", 2)
	b.String("direction", direction(n.Reverse))
	b.OpenDoc("indexBounds")
	for i, f := range n.Index.Fields {
		b.OpenArray(f.Path)
		for j, s := range n.Bounds[i].strings(f.Desc != n.Reverse) {
			b.String(bsonx.Index(j), s)
		}
		b.Close()
	}
	b.Close()
}

// strings are the intervals as the server prints them, in the order of the scan.
func (s Set) strings(backward bool) []string {
	out := make([]string, len(s))
	for i, iv := range s {
		lo, hi, loIn, hiIn := iv.Lo, iv.Hi, iv.LoIn, iv.HiIn
		at := i
		if backward {
			lo, hi, loIn, hiIn = hi, lo, hiIn, loIn
			at = len(s) - 1 - i
		}
		var b strings.Builder
		b.WriteByte("(["[flag(loIn)])
		b.WriteString(boundText(lo) + ", " + boundText(hi))
		b.WriteByte(")]"[flag(hiIn)])
		out[at] = b.String()
	}
	return out
}

// boundText is a value in index bounds.
func boundText(v bsonx.Value) string {
	if v.Type == bsonx.TypeDocument && len(v.Data) == len(bsonx.Empty) {
		return "{}"
	}
	if v.Type == bsonx.TypeDouble && !math.IsInf(bsonx.AsDouble(v), 0) && !bsonx.IsNaN(v) {
		return bsonx.ShellString(v)
	}
	if v.Type == bsonx.TypeDouble {
		switch f := bsonx.AsDouble(v); {
		case math.IsInf(f, 1):
			return "inf"
		case math.IsInf(f, -1):
			return "-inf"
		}
		return "nan"
	}
	return bsonx.ShellString(v)
}

// AppendStageSpec appends the name and specification of the stage that one of
// Split's nodes runs.
func AppendStageSpec(b *bsonx.Builder, n Node) {
	s, _ := staged(n)
	if o, ok := s.(*Order); ok {
		b.OpenDoc("$sort")
		b.Value("sortKey", o.spec)
		if o.Limit > 0 {
			b.Int64("limit", o.Limit)
		}
		b.Close()
		return
	}
	if s.Name() == "" { // a filter that $lookup has put there.
		b.EmbedDoc("$match", Parsed(s.(*Match).Filter))
		return
	}
	b.Value(s.Name(), s.Spec())
}
