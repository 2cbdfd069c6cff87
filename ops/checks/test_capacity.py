"""The estimate grows with its inputs, and its sums are those of its own numbers."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import capacity


class Estimate(unittest.TestCase):
    def test_frames_are_devices_by_interval_and_copies(self):
        self.assertEqual(capacity.needs(1_000, 1, every_s=5, copies=4)["frames_s"], 800)

    def test_more_of_anything_needs_no_less(self):
        small, large = capacity.needs(1_000, 1_000), capacity.needs(50_000, 500_000)
        self.assertEqual([name for name in small if large[name] < small[name]], [])

    def test_everything_can_be_replaced_one_by_one(self):
        said = capacity.needs(1, 1)
        self.assertEqual((said["processors"], said["pushers"]), (2, 2))

    def test_partitions_hold_all_processors(self):
        for devices in (100, 10_000, 1_000_000, 10_000_000):
            said = capacity.needs(devices, 1)
            self.assertGreaterEqual(said["partitions"], said["processors"], devices)

    def test_clients_that_want_less_cost_less(self):
        eager, calm = capacity.needs(1_000, 100_000, live=1), capacity.needs(1_000, 100_000, live=0)
        self.assertGreater(eager["pusher_cores"], 10 * calm["pusher_cores"])
        self.assertGreater(eager["network_bits_s"], calm["network_bits_s"])


if __name__ == "__main__":
    unittest.main()
