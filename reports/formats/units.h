// units: numbers as a person reads them. Decimal units (1 MB = 1,000,000 bytes), exact bytes below 10 kB, and
// a zero that is exactly zero is "0".
#pragma once

#include <cstdint>
#include <string>

namespace leakhunt::reports {

std::string human_bytes(int64_t bytes);      // "0 B", "9,999 B", "12.3 kB", "5.00 GB"
std::string human_slope(double bytes);       // "0", "+16 B", "+1.6 B", "+20.2 MB", "-3 B"
std::string human_count(int64_t count);      // "1,234,567"
std::string human_number(double value);      // "0", "2", "0.1", "3.14", "1,234": at most three decimals
std::string human_rate(double per_second);   // "102", "13.7", "0.50"
std::string human_duration(double seconds);  // "0.42 s", "12.3 s", "4 min 05 s", "2 h 10 min"

}  // namespace leakhunt::reports
