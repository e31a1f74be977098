package diff

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// rewrite replaces the n-th node of a tree by what f makes of it. Nodes are counted
// from the root, depth first; the root is 0. Nothing of the old tree is changed.
func rewrite(v any, n *int, f func(any) any) any {
	if *n == 0 {
		*n--
		return f(v)
	}
	*n--
	switch v := v.(type) {
	case bson.D:
		for i, e := range v {
			if *n < 0 {
				break
			}
			before := *n
			w := rewrite(e.Value, n, f)
			if before >= 0 && *n < 0 {
				out := append(bson.D{}, v...)
				out[i].Value = w
				return out
			}
		}
	case bson.A:
		for i, e := range v {
			if *n < 0 {
				break
			}
			w := rewrite(e, n, f)
			if *n < 0 {
				out := append(bson.A{}, v...)
				out[i] = w
				return out
			}
		}
	}
	return v
}

// size counts a tree's nodes.
func size(v any) int {
	n := 1
	switch v := v.(type) {
	case bson.D:
		for _, e := range v {
			n += size(e.Value)
		}
	case bson.A:
		for _, e := range v {
			n += size(e)
		}
	}
	return n
}

// spoilt is a tree with something wrong in it, or something else right.
func (d dice) spoilt(tree any, names []string) any {
	for range 1 + d.n(2) {
		n := d.n(size(tree))
		tree = rewrite(tree, &n, func(v any) any { return d.worse(v, names) })
	}
	return tree
}

func (d dice) worse(v any, names []string) any {
	switch v := v.(type) {
	case bson.D:
		if len(v) > 0 && !d.chance(3) {
			return d.worseDoc(v, names)
		}
	case bson.A:
		if !d.chance(3) {
			return d.worseArray(v)
		}
	}
	switch d.n(8) {
	case 0:
		return bson.A{v}
	case 1:
		return bson.D{{Key: "$literal", Value: v}}
	case 2:
		return pick[any](d, nil, bson.D{}, bson.A{}, "$missing", "", bson.D{{Key: "$missing", Value: int32(1)}}, "$$REMOVE", "$a", "$$this", "$$value", "$$ROOT", "$$CURRENT.a", "$")
	case 3:
		return bson.D{{Key: pick(d, names...), Value: v}}
	case 4:
		return d.value(2)
	}
	return d.scalar()
}

func (d dice) worseDoc(v bson.D, names []string) any {
	i := d.n(len(v))
	out := append(bson.D{}, v...)
	switch d.n(7) {
	case 0:
		return append(out[:i], out[i+1:]...)
	case 1:
		return append(out, bson.E{Key: pick(d, "foo", "$foo", "", "a.b", "$a", v[i].Key, pick(d, names...)), Value: d.scalar()})
	case 2:
		out[i].Key = pick(d, "foo", "$foo", "", "a.b", v[i].Key+"x", v[i].Key+".", "$"+v[i].Key)
	case 3:
		out[i].Key = pick(d, names...)
	case 4:
		out[i].Value = d.scalar()
	case 5:
		j := d.n(len(v))
		out[i], out[j] = out[j], out[i]
	default:
		j := d.n(len(v))
		out[i].Value, out[j].Value = out[j].Value, out[i].Value
	}
	return out
}

func (d dice) worseArray(v bson.A) any {
	out := append(bson.A{}, v...)
	if len(v) == 0 {
		return append(out, d.scalar())
	}
	i := d.n(len(v))
	switch d.n(5) {
	case 0:
		return append(out[:i], out[i+1:]...)
	case 1:
		return append(out, d.scalar())
	case 2:
		return append(out, v[i])
	case 3:
		out[i] = d.scalar()
		return out
	}
	return v[i]
}
