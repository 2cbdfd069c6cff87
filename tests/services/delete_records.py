#!/usr/bin/env python3
"""Deletes the records of a partition before an offset, as retention does: delete_records.py BOOTSTRAP TOPIC PARTITION OFFSET"""

import sys

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

bootstrap, topic, partition, offset = sys.argv[1:]
admin = AdminClient({"bootstrap.servers": bootstrap})
for deleted in admin.delete_records([TopicPartition(topic, int(partition), int(offset))]).values():
    deleted.result(30)
