# Removes a directory once our standard input ends; services that still write to it are being killed meanwhile.
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$1" && exit 0
    sleep 0.3
done
exit 1
