"""gdb for Rondo: pretty printers and commands.

    (gdb) source scripts/gdb/rondo-gdb.py
    (gdb) print status                   a rondo_status: RONDO_INVALID (2)
    (gdb) print *tensor                  a rondo_tensor: f32 [2, 3] = 1 2 3 4 5 6
    (gdb) rondo-tensor value             all elements, by tensor_print of core/print.h
    (gdb) rondo-tape tape                the values of a tape, by tape_print
    (gdb) rondo-value tape 3             the tensor of value %3; also a rondo_value: rondo-value tape root

The commands call functions of the program, so it must be running; the printers also read core files.
"""
import gdb

DTYPES = {0: ("f32", "float"), 1: ("f64", "double"), 2: ("i32", "int")}
SHOWN = 16


class StatusPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        number = int(self.value.cast(gdb.lookup_type("int")))
        try:
            for field in gdb.lookup_type("enum rondo_status_code").fields():
                if field.enumval == number:
                    return f"{field.name} ({number})"
        except gdb.error:
            pass
        return f"unknown status ({number})"


class TensorPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        ndim, dtype = int(self.value["ndim"]), int(self.value["dtype"])
        if dtype not in DTYPES or not 0 <= ndim <= 6:
            return f"(not a tensor: dtype {dtype}, ndim {ndim})"
        name, element = DTYPES[dtype]
        shape = [int(self.value["shape"][d]) for d in range(ndim)]
        count = 1
        for size in shape:
            count *= size
        text = f"{name} {shape}"
        if int(self.value["data"]) == 0:
            return text + " without data"
        data = self.value["data"].cast(gdb.lookup_type(element).pointer())
        try:
            shown = [f"{float(data[i]):.6g}" for i in range(min(count, SHOWN))]
        except gdb.MemoryError:
            return text + " with data that cannot be read"
        return text + " = " + " ".join(shown) + (" ..." if count > SHOWN else "")


class ValuePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        number = int(self.value["id"])
        return f"%{number}" if number >= 0 else "failed value"


def find_printer(value):
    names = {value.type.name, value.type.strip_typedefs().name, value.type.strip_typedefs().tag}
    if value.type.name == "rondo_status":
        return StatusPrinter(value)
    if "rondo_tensor" in names:
        return TensorPrinter(value)
    if "rondo_value" in names:
        return ValuePrinter(value)
    return None


def text_of(function, argument):
    """The text that one of the functions of core/print.h writes."""
    pointer = int(gdb.parse_and_eval(f"(unsigned long)({argument})"))
    length = int(gdb.parse_and_eval(f"((unsigned long (*)(void *, char *, unsigned long)){function})((void *){pointer}, (char *)0, 0)"))
    buffer = int(gdb.parse_and_eval(f"((unsigned long (*)(unsigned long))malloc)({length + 1})"))
    gdb.parse_and_eval(f"((unsigned long (*)(void *, char *, unsigned long)){function})((void *){pointer}, (char *){buffer}, {length + 1})")
    text = gdb.selected_inferior().read_memory(buffer, length).tobytes().decode("utf-8", "replace")
    gdb.parse_and_eval(f"((void (*)(void *))free)((void *){buffer})")
    return text


def evaluate(expression, usage, pointer_to=None):
    """The value of an expression; an error with the usage if there is none or it does not point to `pointer_to`."""
    if not expression:
        raise gdb.GdbError(f"usage: {usage}")
    try:
        value = gdb.parse_and_eval(expression)
    except gdb.error as error:
        raise gdb.GdbError(str(error))
    if value.is_optimized_out:
        raise gdb.GdbError(f"'{expression}' was removed by the compiler; build with --buildtype=debug")
    if pointer_to is not None:
        kind = value.type.strip_typedefs()
        target = kind.target().unqualified().strip_typedefs() if kind.code == gdb.TYPE_CODE_PTR else None
        if target is None or target.tag != pointer_to:
            raise gdb.GdbError(f"'{expression}' has type '{value.type}', expected 'struct {pointer_to} *'")
    return value


def require_process():
    if gdb.selected_inferior().pid == 0:
        raise gdb.GdbError("the program is not running: this command calls its functions; set a breakpoint and type run")


class TensorCommand(gdb.Command):
    """rondo-tensor EXPRESSION: prints the elements of a rondo_tensor or of a pointer to one."""

    def __init__(self):
        super().__init__("rondo-tensor", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        require_process()
        value = evaluate(argument, "rondo-tensor EXPRESSION")
        is_pointer = value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR
        type_ = (value.type.strip_typedefs().target() if is_pointer else value.type).unqualified()
        if "rondo_tensor" not in {type_.name, type_.strip_typedefs().tag}:
            raise gdb.GdbError(f"'{argument}' has type '{value.type}', expected a rondo_tensor or a pointer to one")
        print(text_of("tensor_print", argument if is_pointer else f"&({argument})"))


class TapeCommand(gdb.Command):
    """rondo-tape EXPRESSION: prints the values of a struct tape *, one a line."""

    def __init__(self):
        super().__init__("rondo-tape", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        require_process()
        evaluate(argument, "rondo-tape EXPRESSION", "tape")
        print(text_of("tape_print", argument), end="")


class ValueCommand(gdb.Command):
    """rondo-value TAPE ID: prints the tensor of a value of a struct tape *. ID is a number or a rondo_value."""

    def __init__(self):
        super().__init__("rondo-value", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument, from_tty):
        require_process()
        usage = "rondo-value TAPE ID, such as rondo-value tape 3"
        words = argument.rsplit(None, 1)
        if len(words) != 2:
            raise gdb.GdbError(f"usage: {usage}")
        tape, id_ = evaluate(words[0], usage, "tape"), evaluate(words[1].lstrip("%"), usage)
        number = int(id_["id"] if id_.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT else id_)
        count = int(tape["count"])
        if not 0 <= number < count:
            raise gdb.GdbError(f"the tape has {count} values, %0 to %{count - 1}; there is no %{number}")
        node = f"((struct tape *){int(tape)})->nodes[{number}]"
        print(text_of("tensor_print", f"{node}->value.data ? &{node}->value : 0"))


gdb.pretty_printers.append(find_printer)
TensorCommand()
TapeCommand()
ValueCommand()
