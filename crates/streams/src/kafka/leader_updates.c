/* Corrects a fault of librdkafka: of 2.12.1, which is bundled; reported of 2.6.1, and open
 * (https://github.com/confluentinc/librdkafka/issues/5280).
 *
 * Since Kafka 3.7 a broker that refuses a fetch says which broker leads the partition. librdkafka counts the partitions that
 * have no leader at that moment, does not fill them in, and then reads them: uninitialised memory, by which consumers ended
 * with a segmentation fault when a broker came back. The linker puts this in the place of the function that reads (link.rs).
 * Nothing is lost by it: the consumer asks for the leaders after every such refusal, as it did before Kafka 3.7.
 *
 * Remove this file, link.rs and its uses once a librdkafka without the fault is bundled. */

/* RD_KAFKA_OP_RES_HANDLED of rdkafka_op.h. */
enum { HANDLED = 1 };

int __wrap_rd_kafka_metadata_update_op(void *client, void *update) {
  (void)client;
  (void)update;
  return HANDLED;
}
