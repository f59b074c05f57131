# A web server in nothing but Ruby itself: a thread for each request.
require "socket"

$stdout.sync = true
server = TCPServer.new("0.0.0.0", Integer(ENV.fetch("PORT", 5000)))
trap("TERM") { exit 0 }
text = "Hello from #{ENV.fetch("PORTSIDE_APP", "your app")}, release #{ENV.fetch("RELEASE_VERSION", "your laptop")}.\n"

loop do
  Thread.new(server.accept) do |client|
    request = client.gets.to_s.chomp
    nil until ["\r\n", "\n", nil].include?(client.gets)
    puts request
    client.write "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: #{text.bytesize}\r\n" \
                 "Connection: close\r\n\r\n#{text unless request.start_with?("HEAD ")}"
  ensure
    client.close
  end
end
