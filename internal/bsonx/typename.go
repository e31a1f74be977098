package bsonx

// TypeName is the name of a type as $type and error messages spell it; a missing
// value's is "missing".
func TypeName(t Type) string {
	switch t {
	case TypeMissing:
		return "missing"
	case TypeDouble:
		return "double"
	case TypeString:
		return "string"
	case TypeDocument:
		return "object"
	case TypeArray:
		return "array"
	case TypeBinary:
		return "binData"
	case TypeUndefined:
		return "undefined"
	case TypeObjectID:
		return "objectId"
	case TypeBool:
		return "bool"
	case TypeDate:
		return "date"
	case TypeNull:
		return "null"
	case TypeRegex:
		return "regex"
	case TypeDBPointer:
		return "dbPointer"
	case TypeCode:
		return "javascript"
	case TypeSymbol:
		return "symbol"
	case TypeCodeScope:
		return "javascriptWithScope"
	case TypeInt32:
		return "int"
	case TypeTimestamp:
		return "timestamp"
	case TypeInt64:
		return "long"
	case TypeDecimal:
		return "decimal"
	case TypeMaxKey:
		return "maxKey"
	case TypeMinKey:
		return "minKey"
	}
	return "unknown"
}
