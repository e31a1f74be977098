package plan

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/query"
)

// Parsed is a filter as explain shows it: every operator by its name.
func Parsed(f *query.Filter) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	if f != nil && !f.MatchesAll() {
		appendParsed(b, f.Root())
	}
	return b.Doc()
}

// appendParsed appends a node as an element of the document that is open in b.
func appendParsed(b *bsonx.Builder, n *query.Node) {
	switch n.Op {
	case query.OpAlwaysTrue:
		b.Double("$alwaysTrue", 1)
	case query.OpAlwaysFalse:
		b.Double("$alwaysFalse", 1)
	case query.OpAnd, query.OpOr, query.OpNor:
		b.OpenArray(treeName(n.Op))
		for i, c := range n.Children {
			b.OpenDoc(bsonx.Index(i))
			appendParsed(b, c)
			b.Close()
		}
		b.Close()
	case query.OpNot:
		appendNot(b, n.Children[0])
	case query.OpExpr:
		b.OpenDoc("$expr")
		b.Close()
	case query.OpSchema:
		b.EmbedDoc("$jsonSchema", n.Schema.Source())
	default:
		b.OpenDoc(n.Path)
		appendOperator(b, n)
		b.Close()
	}
}

func appendNot(b *bsonx.Builder, n *query.Node) {
	if n.Path != "" {
		b.OpenDoc(n.Path)
		b.OpenDoc("$not")
		appendOperator(b, n)
		b.Close()
		b.Close()
		return
	}
	b.OpenArray("$nor")
	b.OpenDoc("0")
	appendParsed(b, n)
	b.Close()
	b.Close()
}

// appendOperator appends what a leaf asks of its path.
func appendOperator(b *bsonx.Builder, n *query.Node) {
	switch n.Op {
	case query.OpEq, query.OpLt, query.OpLte, query.OpGt, query.OpGte:
		b.Value(treeName(n.Op), n.Value)
	case query.OpIn:
		b.OpenArray("$in")
		i := 0
		for _, v := range n.Values {
			b.Value(bsonx.Index(i), v)
			i++
		}
		for _, re := range n.Regexes {
			b.Value(bsonx.Index(i), regexValue(re.Pattern, re.Options))
			i++
		}
		b.Close()
	case query.OpRegex:
		b.String("$regex", n.Regexes[0].Pattern)
		if n.Regexes[0].Options != "" {
			b.String("$options", n.Regexes[0].Options)
		}
	case query.OpExists:
		b.Bool("$exists", true)
	case query.OpType:
		appendTypes(b, &n.Types)
	case query.OpSize:
		appendAmount(b, "$size", n.N)
	case query.OpMod:
		b.OpenArray("$mod")
		b.Int64("0", n.N)
		b.Int64("1", n.Rem)
		b.Close()
	case query.OpElemMatch, query.OpElemValue:
		b.OpenDoc("$elemMatch")
		inner := n.Children[0]
		if n.Op == query.OpElemMatch {
			appendParsed(b, inner)
		} else {
			appendElement(b, inner)
		}
		b.Close()
	default:
		b.OpenArray(treeName(n.Op))
		for i, bit := range n.Bits {
			b.Int32(bsonx.Index(i), int32(bit))
		}
		b.Close()
	}
}

// appendElement appends what is asked of an element as a value.
func appendElement(b *bsonx.Builder, n *query.Node) {
	switch n.Op {
	case query.OpAnd:
		for _, c := range n.Children {
			appendElement(b, c)
		}
	case query.OpNot:
		b.OpenDoc("$not")
		appendElement(b, n.Children[0])
		b.Close()
	case query.OpOr, query.OpNor, query.OpAlwaysTrue, query.OpAlwaysFalse, query.OpExpr:
		appendParsed(b, n)
	default:
		appendOperator(b, n)
	}
}

func appendTypes(b *bsonx.Builder, types *query.TypeSet) {
	b.OpenArray("$type")
	i := 0
	numbers := []bsonx.Type{bsonx.TypeDouble, bsonx.TypeInt32, bsonx.TypeInt64, bsonx.TypeDecimal}
	all := true
	for _, t := range numbers {
		all = all && types.Has(t)
	}
	if all {
		b.String(bsonx.Index(i), "number")
		i++
	}
	for t := range 256 {
		if types.Has(bsonx.Type(t)) && !(all && bsonx.IsNumber(bsonx.Value{Type: bsonx.Type(t)})) {
			b.Int32(bsonx.Index(i), int32(int8(t)))
			i++
		}
	}
	b.Close()
}

func treeName(op query.Op) string {
	switch op {
	case query.OpAnd:
		return "$and"
	case query.OpOr:
		return "$or"
	case query.OpNor:
		return "$nor"
	case query.OpNot:
		return "$not"
	case query.OpEq:
		return "$eq"
	case query.OpLt:
		return "$lt"
	case query.OpLte:
		return "$lte"
	case query.OpGt:
		return "$gt"
	case query.OpGte:
		return "$gte"
	case query.OpBitsAllSet:
		return "$bitsAllSet"
	case query.OpBitsAnySet:
		return "$bitsAnySet"
	case query.OpBitsAllClear:
		return "$bitsAllClear"
	}
	return "$bitsAnyClear"
}
