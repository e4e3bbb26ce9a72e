"""The tables of a result of bench.py, as markdown."""
import statistics

BEGIN, END = "<!-- make bench writes from here -->", "<!-- to here -->"
BEGIN_AVX2 = "<!-- make bench-avx2 writes from here -->"
WORKS = ("packing", "product", "weight_gradient", "elementwise", "other")
HEADS = {"nn": "PyTorch nn", "loop": "PyTorch loop", "compile": "torch.compile", "jax": "JAX"}


def milliseconds(timing):
    return f"{1e3 * timing['seconds']:.2f}" if "seconds" in timing else timing["missing"]


def ratio(row, peer):
    if "seconds" in row[peer] and "seconds" in row["rondo"]:
        return row[peer]["seconds"] / row["rondo"]["seconds"]
    return None


def percent(part, whole):
    return f"{part / whole:.0%}" if part and whole else "not measured"


def share_of_sgemm(row, result):
    return percent(row["rondo"].get("gflops"), result["machine"].get("sgemm_together"))


def stages(account):
    return [account[key] for key in account if " " in key]


def roofline(row, result):
    """(seconds of the products, of the elementwise work, of the memory that the loops move) at the rates of the machine."""
    account, machine, threads = row["account"], result["machine"], result["threads"]
    return (1.5 * account["product_flops"] / (1e9 * machine["sgemm_together"]), account["elementwise"] / threads,
            account["loop_bytes"] / (1e9 * machine["copy_together"]))


def share_of_roofline(row, result):
    if not row.get("account") or "sgemm_together" not in result["machine"]:
        return "not measured"
    return percent(sum(roofline(row, result)), row["rondo"].get("seconds"))


def shares(row, result):
    return f"{share_of_sgemm(row, result)}, {share_of_roofline(row, result)}"


def account_table(result):
    """Where the time of a step goes."""
    rows = [row for row in result["rows"] if row.get("account") and row["group"] in ("blessed", "random", "own")
            and "seconds" in row["rondo"]]
    if not rows:
        return []
    lines = ["### Where the time of a step goes", "",
             line(["cell", "T, B, I, H", "products", "rate", "weight gradients", "rate", "elementwise", "rate", "packing",
                   "other", "waiting", "outside"]), "|---" * 12 + "|"]
    for row in rows:
        account, threads = row["account"], result["threads"]
        spent = {work: sum(stage[work] for stage in stages(account)) / threads for work in WORKS}
        passed = sum(stage["passed"] for stage in stages(account))
        sgemm = 1e9 * result["machine"]["sgemm_together"]
        shown = {work: f"{seconds / account['seconds']:.0%}" for work, seconds in spent.items()}
        waiting = max(0, passed - sum(spent.values())) / account["seconds"]
        outside = max(0, 1 - passed / account["seconds"])
        lines.append(line([
            row["cell"], ", ".join(map(str, row["shape"])),
            shown["product"], percent(account["product_flops"], spent["product"] * sgemm),
            shown["weight_gradient"], percent(account["product_flops"] / 2, spent["weight_gradient"] * sgemm),
            shown["elementwise"], percent(account["elementwise"] / threads, spent["elementwise"]),
            shown["packing"], shown["other"], f"{waiting:.0%}", f"{outside:.0%}"]))
    return lines + [""]


def share_of_copy(row, result):
    return percent(row["rondo"].get("gbytes"), result["machine"].get("copy_together"))


def flop_time(row, result):
    """Time for a floating-point operation, in that of Rondo's own LSTM at the same shape."""
    for other in result["rows"]:
        if other["cell"] == "lstm" and other["shape"] == row["shape"]:
            if "gflops" in other["rondo"] and "gflops" in row["rondo"]:
                return f"{other['rondo']['gflops'] / row['rondo']['gflops']:.2f}"
    return "not measured"


def memory(row, _result):
    """What a step needs beside inputs and parameters: Rondo's tapes, and what the peer's process grew by."""
    mib = [row["rondo"].get("tape_mib")] + [row[peer].get("step_mib") for peer in HEADS if peer in row]
    return ", ".join(f"{value:.0f}" if value is not None else "not measured" for value in mib)


# Of a group: what stands above it, the column that tells how good Rondo's own figure is, and how it is found.
GROUPS = {
    "blessed": ("Cells with a hand-written implementation in PyTorch", "share of sgemm, of roofline", shares),
    "random": ("The same at shapes drawn at random", "share of sgemm, of roofline", shares),
    "custom": ("Cells without a hand-written implementation", "time per FLOP / LSTM's", flop_time),
    "elementwise": ("Cells without a product in their loop", "share of copy", share_of_copy),
    "own": ("Your own cells", "share of sgemm, of roofline", shares),
    "long": ("Long sequences", "MiB (Rondo, then each peer)", memory),
}


def line(cells):
    return "| " + " | ".join(cells) + " |"


def group_table(group, result):
    title, column, figure = GROUPS[group]
    rows = [row for row in result["rows"] if row["group"] == group]
    if not rows:
        return []
    peers = [peer for peer in HEADS if peer in rows[0]]
    lines = [f"### {title}", "", line(["cell", "T, B, I, H", "Rondo ms", column] + [
        head for peer in peers for head in (f"{HEADS[peer]} ms", "/ Rondo")]), "|---" * (4 + 2 * len(peers)) + "|"]
    for row in rows:
        cells = [row["cell"], ", ".join(map(str, row["shape"])), milliseconds(row["rondo"]), figure(row, result)]
        for peer in peers:
            times = ratio(row, peer)
            cells += [milliseconds(row[peer]), f"{times:.2f}" if times else ""]
        lines.append(line(cells))
    for peer in peers:
        times = [ratio(row, peer) for row in rows if ratio(row, peer)]
        if times:
            lines += ["", f"{HEADS[peer]} / Rondo: geometric mean {statistics.geometric_mean(times):.2f}, least "
                      f"{min(times):.2f}, of {len(times)} rows."]
    compiled = [(row["cell"], row["shape"], row["compile"]["ready_seconds"]) for row in rows
                if "ready_seconds" in row.get("compile", {})]
    if compiled:
        lines += ["", "torch.compile took " + "; ".join(
            f"{seconds:.0f} s ({cell}, T = {shape[0]})" for cell, shape, seconds in compiled) + "."]
    return lines + [""]


def rates(result):
    told = []
    for name, unit in (("sgemm", "GFLOP/s"), ("copy", "GB/s")):
        one, all_ = (result["machine"].get(name + suffix) for suffix in ("", "_together"))
        told.append(f"{name}: {one:.1f} {unit} by one process, {all_:.1f} by {result['threads']} at once"
                    if one and all_ else f"{name}: not measured")
    return "; ".join(told)


def of(result):
    libraries = ", ".join(f"{name} {version or 'missing'}" for name, version in result["versions"].items())
    lines = [f"{'AVX2 only' if result['avx2'] else 'All instructions of the processor'}; {result['threads']} threads; engine {result['engine']}; {libraries}; medians of "
             f"{result['rounds']} turns of {result['seconds_of_a_turn']} s. The machine in the same run: "
             f"{rates(result)}.", ""]
    for group in GROUPS:
        lines += group_table(group, result)
    lines += account_table(result)
    ready = [row["rondo"]["ready_ms"] for row in result["rows"] if "ready_ms" in row["rondo"]]
    if ready:
        lines += [f"Rondo compiled a cell from its equations in {statistics.median(ready):.1f} ms (median), at most "
                  f"{max(ready):.1f} ms.", ""]
    return "\n".join(lines)


def write(path, text, marker=BEGIN):
    """Replaces the text between the marker and the next END."""
    before, begin, rest = path.read_text().partition(marker)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: there is no '{marker}' with an '{END}' behind it")
    path.write_text(f"{before}{marker}\n{text}\n{END}{after}")
