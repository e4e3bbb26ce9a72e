"""Writes events.txt: messages of TensorBoard as its own protobuf classes serialise them, for tests/test_event_file.c.

    python make_events.py > events.txt                  with the package tensorboard

Each line is a message in hexadecimal digits. The wall time is 1.5 in all of them.
"""
from tensorboard.compat.proto import event_pb2, summary_pb2

VALUES = [-1.0, -0.5, 0.25, 0.25, 0.75, 2.0]
BUCKETS = 30


def histogram(values):
    least, most = min(values), max(values)
    count = BUCKETS if least < most else 1
    width = (most - least) / count
    limits = [most if k == count - 1 else least + (k + 1) * width for k in range(count)]
    buckets = [0.0] * count
    for x in values:
        buckets[min(int((x - least) / width) if width > 0 else 0, count - 1)] += 1
    return summary_pb2.HistogramProto(min=least, max=most, num=len(values), sum=sum(values),
                                      sum_squares=sum(x * x for x in values), bucket_limit=limits, bucket=buckets)


def event(step, *values):
    summary = summary_pb2.Summary(value=values)
    return event_pb2.Event(wall_time=1.5, step=step, summary=summary)


messages = [
    event_pb2.Event(wall_time=1.5, file_version="brain.Event:2"),
    event(10, summary_pb2.Summary.Value(tag="train/loss", simple_value=0.75),
          summary_pb2.Summary.Value(tag="valid/accuracy", simple_value=float("nan"))),
    event(300000000000, summary_pb2.Summary.Value(tag="parameters/layers.0.W", histo=histogram(VALUES)),
          summary_pb2.Summary.Value(tag="parameters/head.b", histo=histogram([0.125] * 3))),
]
for message in messages:
    print(message.SerializeToString(deterministic=True).hex())
