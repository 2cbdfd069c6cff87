import com.google.protobuf.ByteString;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.DescriptorProtos;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Prints the newest state of every public aircraft as JSON lines, and ends.
 *
 * <p>Usage: Consume DESCRIPTORS BOOTSTRAP [TOPIC]. DESCRIPTORS is {@code schemas/descriptors.binpb}: with it nothing needs to be
 * generated. Larger programs are better off with classes from {@code protoc --java_out=. -Ischemas/proto}.
 *
 * <p>State topics are compacted. A reader starts at the beginning, keeps the state with the highest version for each key,
 * and drops the key at a tombstone; late writes of an older version are ignored.
 */
public final class Consume {
    private final Descriptor type;
    private final Map<String, DynamicMessage> states = new TreeMap<>();
    private final Map<String, Long> versions = new HashMap<>();

    private Consume(Descriptor type) {
        this.type = type;
    }

    public static void main(String[] arguments) throws Exception {
        Descriptor type = messageType(Path.of(arguments[0]), "AircraftState");
        String bootstrap = arguments.length > 1 ? arguments[1] : "localhost:9092";
        String topic = arguments.length > 2 ? arguments[2] : "fanet.state.aircraft.v1";
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("enable.auto.commit", "false");
        Consume aircraft = new Consume(type);
        try (KafkaConsumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            // No group: a reader of states starts at the beginning every time.
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(partition -> new TopicPartition(topic, partition.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    aircraft.apply(record);
                }
            }
        }
        aircraft.states.forEach((device, state) -> System.out.println(shown(device, state)));
    }

    /** A message of package updraft.v1, from the compiled schemas. */
    private static Descriptor messageType(Path descriptors, String name)
            throws IOException, DescriptorValidationException {
        Map<String, FileDescriptor> files = new HashMap<>();
        // Protobuf's own file, which the set leaves out, since every Protobuf library has it.
        files.put("google/protobuf/descriptor.proto", DescriptorProtos.getDescriptor());
        // Each file comes after those that it imports.
        for (FileDescriptorProto file : FileDescriptorSet.parseFrom(Files.readAllBytes(descriptors)).getFileList()) {
            FileDescriptor[] imports = file.getDependencyList().stream().map(files::get).toArray(FileDescriptor[]::new);
            files.put(file.getName(), FileDescriptor.buildFrom(file, imports));
        }
        return files.values().stream()
                .map(file -> file.findMessageTypeByName(name))
                .filter(found -> found != null)
                .findFirst()
                .orElseThrow();
    }

    private void apply(ConsumerRecord<String, byte[]> record) throws IOException {
        DynamicMessage state = record.value() == null ? null : DynamicMessage.parseFrom(type, messageIn(record.value()));
        long version = state == null ? versionOfTombstone(record) : (Long) field(state, "version");
        if (Long.compareUnsigned(version, versions.getOrDefault(record.key(), 0L)) < 0) {
            return;
        }
        versions.put(record.key(), version);
        if (state == null) {
            states.remove(record.key());
        } else {
            states.put(record.key(), state);
        }
    }

    /**
     * The Protobuf message in the Confluent wire format: a zero byte, four bytes with the schema's id in the registry, the
     * message indexes, then the message itself. The indexes are zigzag varints: how many, then each; a count of 0 stands
     * for the one index 0.
     */
    private ByteString messageIn(byte[] value) throws IOException {
        if (value.length < 6 || value[0] != 0) {
            throw new IllegalArgumentException("not in the Confluent wire format");
        }
        CodedInputStream input = CodedInputStream.newInstance(value, 5, value.length - 5);
        List<Integer> indexes = new ArrayList<>();
        for (int count = input.readSInt32(); count > 0; count--) {
            indexes.add(input.readSInt32());
        }
        if (!(indexes.isEmpty() ? List.of(0) : indexes).equals(List.of(type.getIndex()))) {
            throw new IllegalArgumentException("message " + indexes + " of its schema, where " + type.getIndex() + " was expected");
        }
        int at = 5 + input.getTotalBytesRead();
        return ByteString.copyFrom(value, at, value.length - at);
    }

    private static long versionOfTombstone(ConsumerRecord<String, byte[]> record) {
        Header header = record.headers().lastHeader("version");
        return header == null ? 0 : Long.parseUnsignedLong(new String(header.value(), StandardCharsets.UTF_8));
    }

    private static Object field(Message message, String name) {
        return message.getField(message.getDescriptorForType().findFieldByName(name));
    }

    private static String shown(String device, Message state) {
        String kind = ((EnumValueDescriptor) field(state, "aircraft_kind")).getName();
        Message position = (Message) field(state, "position");
        StringBuilder line = new StringBuilder("{\"device\": \"" + device + "\"");
        line.append(", \"version\": ").append(Long.toUnsignedString((Long) field(state, "version")));
        line.append(", \"kind\": \"").append(kind.replace("AIRCRAFT_KIND_", "").toLowerCase(Locale.ROOT)).append("\"");
        line.append(", \"latitude_deg\": ").append(field(position, "latitude_deg"));
        line.append(", \"longitude_deg\": ").append(field(position, "longitude_deg"));
        // What was not transmitted is absent, never zero.
        append(line, position, "altitude_m");
        append(line, state, "climb_mps");
        return line.append("}").toString();
    }

    private static void append(StringBuilder line, Message message, String name) {
        FieldDescriptor known = message.getDescriptorForType().findFieldByName(name);
        if (message.hasField(known)) {
            line.append(", \"").append(name).append("\": ").append(message.getField(known));
        }
    }
}
